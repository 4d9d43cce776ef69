// What the Checker has to say of time limits: by the id's time, or by when the message was to be
// released, and by what its sender asked for.
#include <algorithm>

#include "tests/sim/checker.h"

namespace posthaste::sim {
namespace {

using namespace std::chrono_literals;
using delivery::Ending;

// The longest conversation that there may be at that moment, and a little.
constexpr Duration kLastAttempt = 1h;

// What has a schedule of its own here, where a host says plainly what it means.
std::optional<policy::RetryClass> meaning_of(const smtp::Reply& reply) {
  if (reply.code == 451 && reply.text.find("greylisted") != std::string::npos)
    return policy::RetryClass::kGreylist;
  if (reply.code == 451 && reply.text.find("too much from you") != std::string::npos)
    return policy::RetryClass::kThrottled;
  return std::nullopt;
}

}  // namespace

policy::RetryPolicy Checker::retry_of(const Track& track) const {
  return scenario_.options.retry.policy_for(RoutingDomain(track.domain),
                                            policy::RetryClass::kOther);
}

// RFC 4865 §4.1: what waits for its hour is not late before.
Instant Checker::begins(const Key& key, const Track& track) const {
  return std::max(key.first.time(), track.envelope->hold_until);
}

Instant Checker::expiry(const Key& key, const Track& track) const {
  const Instant end = begins(key, track) + retry_of(track).expire_after;
  const auto& by = track.envelope->deliver_by;
  return by && by->return_it ? std::min(end, by->by) : end;
}

// RFC 3461 §4.1, RFC 5321 §4.5.5.
bool Checker::may_be_told(const Track& track) const {
  const std::uint8_t notify = track.recipient.notify;
  return !track.envelope->sender.null() && (notify == 0 || (notify & mail::kNotifyDelay) != 0);
}

// When the sender is to be told that it is late; kNever: not at all.
Instant Checker::notice(const Key& key, const Track& track) const {
  if (!may_be_told(track)) return kNever;
  const Duration after = retry_of(track).delay_notice_after;
  const Instant usual = after > Duration(0) ? begins(key, track) + after : kNever;
  const auto& by = track.envelope->deliver_by;
  return by && !by->return_it ? std::min(usual, by->by) : usual;
}

void Checker::check_times(const delivery::Settlement& settlement, const Key& key, bool dsn) {
  const Track& track = tracks_.at(key);
  const Instant end = expiry(key, track);
  switch (settlement.ending) {
    case Ending::kDeferred:
      if (settlement.after.due > end) world_.violate("deferred beyond its time: " + name(key));
      // Who only has to be told that it is late has not been tried.
      if (settlement.after.attempts != track.stored.attempts + (settlement.tell_delay ? 0 : 1) &&
          settlement.after.attempts != track.stored.attempts + 1) {
        world_.violate("an attempt is miscounted: " + name(key));
      }
      check_due(settlement, key);
      return check_notice(settlement, key, dsn);
    case Ending::kExpired:
      if (world_.now() < end) world_.violate("expired early: " + name(key));
      // An attempt that had begun before was its last one.
      if (stopped(track, 1min) && track.tried_until != world_.now())
        world_.violate("expired while it was stopped: " + name(key));
      return;
    case Ending::kDelivered:
    case Ending::kBounced:
    case Ending::kRemoved:
    case Ending::kHeld:
    case Ending::kReleased: return;
  }
}

// Where handshakes fail, a host is tried again when the mail may go in plaintext, or a little
// later.
bool Checker::plaintext_opens(const Key& key, const Track& track, Instant due) const {
  const auto policies =
      since(scenario_.domain_named(track.domain)->tls, world_.now() - kLastAttempt);
  return std::any_of(policies.begin(), policies.end(), [&](const TlsVersion& tls) {
    const Duration after = tls.policy.plaintext_after;
    const Instant opens = key.first.time() + after;
    return due >= opens && due <= opens + after / 20 + 1ms;
  });
}

// As the schedule of the reason has it; sooner only where there is something to look at by then.
void Checker::check_due(const delivery::Settlement& settlement, const Key& key) const {
  const Track& track = tracks_.at(key);
  const mail::Progress& after = settlement.after;
  if (after.attempts == track.stored.attempts) return;  // it was no attempt
  if (const auto meant = meaning_of(settlement.reply); meant && *meant != settlement.retry_class)
    world_.violate("taken for something else than it said: " + name(key));
  const auto policy =
      scenario_.options.retry.policy_for(RoutingDomain(track.domain), settlement.retry_class);
  const auto& intervals = policy.intervals;
  const double interval = static_cast<double>(
      intervals[std::min<std::size_t>(track.stored.attempts, intervals.size() - 1)].count());
  const double wait = static_cast<double>((after.due - world_.now()).count());
  if (wait > interval * (1 + policy.jitter) + 1) world_.violate("due too late: " + name(key));
  const bool looked_at = after.due == expiry(key, track) || after.due == notice(key, track) ||
                         plaintext_opens(key, track, after.due);
  if (wait < interval * (1 - policy.jitter) - 1 && !looked_at)
    world_.violate(
        fmt::format("due too early: {}, in {} and not in {}", name(key), wait, interval));
}

void Checker::check_notice(const delivery::Settlement& settlement, const Key& key, bool dsn) {
  const Track& track = tracks_.at(key);
  const Instant when = notice(key, track);
  const bool told = track.stored.delay_told;
  if (settlement.tell_delay) {
    if (when == kNever) return world_.violate("told of a delay unasked: " + name(key));
    if (told) return world_.violate("told of a delay twice: " + name(key));
    if (world_.now() < when) return world_.violate("told of a delay early: " + name(key));
    if (!settlement.after.delay_told || !dsn)
      world_.violate("told of a delay in no words: " + name(key));
    return;
  }
  if (told || when == kNever) return;
  if (world_.now() >= when) return world_.violate("late, and nobody is told: " + name(key));
  if (settlement.after.due > when)
    world_.violate("not looked at when its sender is to be told: " + name(key));
}

// Whatever comes or does not come, by then it has to be told, and to end.
void Checker::watch_times(const Key& key) {
  const Track& track = tracks_.at(key);
  const Instant when = std::min(notice(key, track), expiry(key, track));
  world_.at(when + kLastAttempt + 1min, [this, key] { check_late(key); });
}

void Checker::check_late(const Key& key) {
  const Track& track = tracks_.at(key);
  if (track.fate != Fate::kQueued) return;
  const Instant told = track.stored.delay_told ? kNever : notice(key, track);
  const Instant end = expiry(key, track);
  // What had to be waited for, by the operator's word or because the clock was wrong.
  const Instant freed = free_since(track);
  Instant since = std::max({freed, stepped_, reloaded_, track.stored.due, track.unreadable});
  // Who was stopped may wait for the attempt that follows the back-off in which he was set free.
  const BackOff& off = paces_[track.domain].back_offs[wish_of(*track.envelope)];
  if (off.since <= freed && freed < off.until) since = std::max(since, off.until);
  const bool waits = track.stored.held || track.claim != Claim::kNone || stopped(track, 0s);
  const Instant next = std::max(std::min(told, end), since) + kLastAttempt;
  if (waits || world_.now() <= next) {
    const Instant again = std::max(next, world_.now() + kLastAttempt);
    return world_.at(again + 1min, [this, key] { check_late(key); });
  }
  world_.violate((end <= told ? "kept beyond his time: " : "late, and nobody was told: ") +
                 name(key));
}

}  // namespace posthaste::sim
