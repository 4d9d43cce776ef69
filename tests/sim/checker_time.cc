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
  const Instant since = std::max({free_since(track), stepped_, reloaded_, track.stored.due});
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
