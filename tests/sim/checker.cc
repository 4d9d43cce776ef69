#include "tests/sim/checker.h"

#include <algorithm>

#include "daemon/clock_watch.h"
#include "lib/report/notification.h"

namespace posthaste::sim {

using namespace std::chrono_literals;
using delivery::Ending;

namespace {

// A message may have to be loaded from a slow disk before it can be returned.
constexpr Duration kUnderWay = 1min;
// The longest time until a message that could not be read is read again, and a little.
constexpr Duration kLoadAgain = 61min;

}  // namespace

std::string Checker::name(const Key& key) const {
  return fmt::format("{}/{}", render_id(key.first), key.second);
}

// ---- the queue

void Checker::on_accepted(const queue::Accept& accept, std::string body) {
  const MessageId id = accept.envelope->id;
  if (!bodies_.try_emplace(id, std::move(body)).second) {
    return world_.violate("message id given twice: " + render_id(id));
  }
  for (const mail::PendingRecipient& pending : accept.recipients) {
    Track track;
    track.recipient = pending.recipient;
    track.envelope = accept.envelope;
    track.domain = mail::routing_domain(pending.recipient.address).text();
    track.stored = pending.progress;
    track.due = pending.progress.due;
    const Key key{id, pending.recipient.number};
    tracks_.emplace(key, std::move(track));
    ++queued_;
    watch_times(key);
  }
}

void Checker::on_acknowledged(MessageId id, const std::string& content) {
  const auto found = bodies_.find(id);
  if (found == bodies_.end())
    return world_.violate("250 for a message that is not stored: " + render_id(id));
  if (!found->second.ends_with(content))
    world_.violate("other content than was submitted: " + render_id(id));
}

policy::OnTlsFailure Checker::choice(policy::TlsFailure failure, const policy::TlsPolicy& policy) {
  switch (policy::kind(failure)) {
    case policy::TlsFailureKind::kNotOffered: return policy.not_offered;
    case policy::TlsFailureKind::kRefused: return policy.refused;
    case policy::TlsFailureKind::kHandshake: return policy.handshake;
    case policy::TlsFailureKind::kLocal:
    case policy::TlsFailureKind::kPolicy: return policy::OnTlsFailure::kDefer;
  }
  return policy::OnTlsFailure::kDefer;
}

// Only what a peer, DNS or our policy refused for good is bounced.
void Checker::check_bounce(const delivery::Settlement& settlement, const Key& key) {
  if (settlement.reply.permanent() || settlement.by_operator) return;
  if (settlement.reply.code != 0) return world_.violate("bounced by a 4xx: " + name(key));
  const Domain* known = scenario_.domain_named(tracks_.at(key).domain);
  if (known == nullptr || known->hopeless()) return;
  const Track& track = tracks_.at(key);
  const mail::Envelope& envelope = *track.envelope;
  // No host that we know of can take such mail; that is for a peer of the session to judge.
  if (settlement.tls_failure == policy::TlsFailure::kNone &&
      (envelope.eight_bit || envelope.smtputf8 || !track.recipient.address.ascii() ||
       (envelope.deliver_by && envelope.deliver_by->return_it) ||
       envelope.tls_wish == mail::TlsWish::kRequireTls)) {
    return;
  }
  if (settlement.tls_failure == policy::TlsFailure::kRequireTlsMissing &&
      envelope.tls_wish == mail::TlsWish::kRequireTls) {
    return;
  }
  const auto policies = since(known->tls, world_.now() - kUnderWay);
  if (settlement.tls_failure != policy::TlsFailure::kNone &&
      std::any_of(policies.begin(), policies.end(), [&](const TlsVersion& tls) {
        return choice(settlement.tls_failure, tls.policy) == policy::OnTlsFailure::kBounce;
      })) {
    return;
  }
  world_.violate(fmt::format("bounced without a reason: {} {}", name(key), settlement.reply.text));
}

// Lost behind the final dot: from now on, nobody on our side can know.
void Checker::excuse(const delivery::Settlement& settlement, const Key& key) {
  Track& track = tracks_.at(key);
  const bool lost = settlement.maybe_delivered && settlement.stage == smtp::Stage::kFinalDot &&
                    settlement.reply.code == 0;
  if (!lost) return;
  track.excused = track.taken;
  if (const auto attempt = track.attempt.lock()) attempt->maybe.insert(key.second);
}

void Checker::check_settlement(const delivery::Settlement& settlement, const Key& key, bool dsn) {
  Track& track = tracks_.at(key);
  if (track.unsettled || track.fate != Fate::kQueued) world_.violate("settled twice: " + name(key));
  track.unsettled = true;
  track.removing = settlement.ending == Ending::kRemoved;
  if (track.under_way) track.tried_until = world_.now();
  track.under_way = track.known = false;
  excuse(settlement, key);
  check_steered(settlement, key, dsn);
  check_times(settlement, key, dsn);
  const bool taken = track.taken > track.excused;
  switch (settlement.ending) {
    case Ending::kDelivered:
      if (track.taken == 0) world_.violate("called delivered, and no peer took it: " + name(key));
      return;
    case Ending::kDeferred:
      if (taken) world_.violate("deferred, but a peer has it: " + name(key));
      return;
    case Ending::kHeld:
    case Ending::kReleased:
    case Ending::kRemoved: return;
    case Ending::kExpired: break;
    case Ending::kBounced: check_bounce(settlement, key); break;
  }
  if (taken) world_.violate("bounced, but a peer has it: " + name(key));
  if (!dsn && report::wants_failure_report(*track.envelope, track.recipient)) {
    world_.violate("ended undelivered, and nobody is told: " + name(key));
  }
}

void Checker::on_persist(const delivery::Persist& persist, const queue::Settle& settle) {
  const MessageId id = persist.letter->envelope->id;
  for (const auto& settlement : persist.settlements) {
    check_settlement(settlement, {id, settlement.before.recipient.number}, settle.dsn.has_value());
  }
}

void Checker::on_settled(const queue::Settled& settled) {
  for (const queue::Fate& fate : settled.applied) {
    Track& track = tracks_.at({settled.id, fate.number});
    track.removed |= track.removing;
    if (fate.kind == queue::FateKind::kDeferred) {
      if (track.stored.held && !fate.progress.held) track.released = world_.now();
      track.stored = fate.progress;
      track.due = fate.progress.due;
      track.overtakers.clear();
      continue;
    }
    const bool was = fate.kind == queue::FateKind::kDelivered;
    track.fate = was ? Fate::kDelivered : Fate::kBounced;
    ++(was ? delivered_ : bounced_);
    --queued_;
  }
}

// ---- what the engine comes to hear of

// A restart changes nothing of what is known of a recipient.
void Checker::on_entry(const delivery::Entry& entry) {
  const Key key{entry.id, entry.number};
  const auto found = tracks_.find(key);
  if (found == tracks_.end() || found->second.fate != Fate::kQueued)
    return world_.violate("found at a restart, and not in the queue: " + name(key));
  Track& track = found->second;
  const mail::Progress& stored = track.stored;
  const auto retry_class =
      policy::parse_retry_class(stored.retry_class).value_or(policy::RetryClass::kOther);
  // A due time that was counted with a clock that was wrong is not believed.
  const bool believed = entry.id.time() <= world_.now() + daemon::kClockSlack;
  track.due = believed ? stored.due : std::min(stored.due, world_.now());
  if (entry.due != track.due) world_.violate("a restart has changed its due time: " + name(key));
  if (entry.attempts != stored.attempts || entry.revision != stored.revision ||
      entry.retry_class != retry_class || entry.held != stored.held ||
      entry.priority != track.envelope->priority || entry.tls_wish != track.envelope->tls_wish)
    world_.violate("a restart has changed what was known: " + name(key));
  note_mail(track);
  track.known = true;
}

void Checker::on_arrived(const mail::Letter& letter) {
  for (const mail::PendingRecipient& pending : letter.recipients) {
    Track& track = tracks_.at({letter.envelope->id, pending.recipient.number});
    note_mail(track);
    track.known = true;
  }
}

void Checker::on_load(const delivery::Load& load) {
  for (const std::uint16_t number : load.numbers) {
    const auto found = tracks_.find({load.id, number});
    if (found != tracks_.end()) found->second.loading = true;
  }
}

void Checker::on_loaded(const mail::Letter& letter) {
  for (const mail::PendingRecipient& pending : letter.recipients) {
    tracks_.at({letter.envelope->id, pending.recipient.number}).loading = false;
  }
}

// It is looked for again in a minute, in two, … in an hour. Which of the recipients were meant
// cannot be seen.
void Checker::on_not_loaded(const delivery::NotLoaded& missing) {
  for (auto& [key, track] : tracks_) {
    if (key.first != missing.id) continue;
    track.unreadable = world_.now() + kLoadAgain;
    track.loading = false;
  }
}

void Checker::on_persisted(const delivery::Persisted& persisted) {
  for (const std::uint16_t number : persisted.numbers) {
    Track& track = tracks_.at({persisted.id, number});
    track.known = true;
    track.unsettled = false;
  }
}

std::size_t Checker::held() const {
  return static_cast<std::size_t>(std::count_if(
      tracks_.begin(), tracks_.end(),
      [](const auto& one) { return one.second.fate == Fate::kQueued && one.second.stored.held; }));
}

// ---- the process

void Checker::on_crash() {
  for (auto& [key, track] : tracks_) {
    if (track.fate != Fate::kQueued) continue;
    track.known = track.under_way = track.unsettled = track.loading = false;
    track.excused = track.taken;
    track.due = track.stored.due;
    track.claim = Claim::kNone;
    track.words.clear();
    track.unreadable = Instant{};
    track.overtakers.clear();
    if (const auto attempt = track.attempt.lock()) attempt->crashed = true;
  }
  calls_.clear();
  paces_.clear();
}

void Checker::on_reconfigured() {
  paces_.clear();
  reloaded_ = world_.now();
}

}  // namespace posthaste::sim
