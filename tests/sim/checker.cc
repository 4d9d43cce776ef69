#include "tests/sim/checker.h"

#include <algorithm>

#include "lib/report/notification.h"

namespace posthaste::sim {

using delivery::Ending;

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
    track.due = pending.progress.due;
    tracks_.emplace(Key{id, pending.recipient.number}, std::move(track));
    ++queued_;
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
  if (settlement.reply.permanent()) return;
  if (settlement.reply.code != 0) return world_.violate("bounced by a 4xx: " + name(key));
  const std::string domain = mail::routing_domain(settlement.before.recipient.address).text();
  const Domain* known = scenario_.domain_named(domain);
  if (known == nullptr || known->hopeless()) return;
  const mail::Envelope& envelope = *tracks_.at(key).envelope;
  // No host that we know of can take such mail; that is for a peer of the session to judge.
  if (settlement.tls_failure == policy::TlsFailure::kNone &&
      (envelope.eight_bit || envelope.smtputf8 ||
       envelope.tls_wish == mail::TlsWish::kRequireTls)) {
    return;
  }
  if (settlement.tls_failure == policy::TlsFailure::kRequireTlsMissing &&
      envelope.tls_wish == mail::TlsWish::kRequireTls) {
    return;
  }
  if (settlement.tls_failure != policy::TlsFailure::kNone &&
      choice(settlement.tls_failure, known->tls) == policy::OnTlsFailure::kBounce) {
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
  track.under_way = false;
  excuse(settlement, key);
  const bool taken = track.taken > track.excused;
  const Instant expiry = key.first.time() + scenario_.options.retry.defaults.expire_after;
  // The longest conversation that there may be at that moment, and a little.
  if (world_.now() > expiry + std::chrono::hours(1))
    world_.violate("kept beyond his time: " + name(key));
  switch (settlement.ending) {
    case Ending::kDelivered:
      if (track.taken == 0) world_.violate("called delivered, and no peer took it: " + name(key));
      return;
    case Ending::kDeferred:
      if (taken) world_.violate("deferred, but a peer has it: " + name(key));
      if (settlement.after.due > expiry) world_.violate("deferred beyond its time: " + name(key));
      return;
    case Ending::kExpired:
      if (world_.now() < expiry) world_.violate("expired early: " + name(key));
      break;
    case Ending::kBounced: check_bounce(settlement, key); break;
    case Ending::kRemoved:
    case Ending::kHeld:
    case Ending::kReleased: world_.violate("steered by nobody: " + name(key)); return;
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
    track.unsettled = false;
    if (fate.kind == queue::FateKind::kDeferred) {
      track.due = fate.progress.due;
      continue;
    }
    const bool was = fate.kind == queue::FateKind::kDelivered;
    track.fate = was ? Fate::kDelivered : Fate::kBounced;
    ++(was ? delivered_ : bounced_);
    --queued_;
  }
}

// ---- conversations

void Checker::check_rate(std::deque<Instant>& times, const delivery::Rate& rate,
                         const std::string& what) {
  if (rate.count == 0) return;
  times.push_back(world_.now());
  while (times.front() <= world_.now() - rate.per) times.pop_front();
  if (times.size() > rate.count) world_.violate(what + " come too fast");
}

void Checker::on_connect(const delivery::Connect& connect) {
  const auto& options = scenario_.options;
  const std::string& domain = connect.domain.text();
  unsigned open = 1, opening = 0, up = 0;
  for (const auto& [id, call] : calls_) {
    if (call.domain != domain) continue;
    ++open;
    if (call.wish != connect.tls_wish) continue;  // each wish is probed for itself
    opening += call.state == Call::State::kOpening ? 1 : 0;
    up += call.state == Call::State::kUp ? 1 : 0;
  }
  if (open > options.limits.connections) world_.violate("too many connections to " + domain);
  const auto own = std::count_if(calls_.begin(), calls_.end(), [&](const auto& call) {
    return call.first.value >> 48 == connect.conn.value >> 48;
  });
  if (own >= options.connections_max) world_.violate("too many connections of the worker");
  if (up == 0 && opening > 0) world_.violate("two probes at a time to " + domain);
  if (world_.now() < paces_[domain].backed_off_until[connect.tls_wish])
    world_.violate("a call during the back-off of " + domain);
  const bool stepped_down =
      connect.tls == smtp::TlsNeed::kNever && connect.level > policy::TlsLevel::kNone;
  const policy::TlsPolicy& policy = scenario_.domain_named(domain)->tls;
  const auto& seen = tls_failures_[connect.endpoint];
  if (stepped_down && std::none_of(seen.begin(), seen.end(), [&](policy::TlsFailure failure) {
        return choice(failure, policy) == policy::OnTlsFailure::kPlaintext;
      })) {
    world_.violate("plaintext that policy does not allow: " + domain);
  }
  check_rate(paces_[domain].calls, options.limits.connection_rate, "connections to " + domain);
  Call& call = calls_[connect.conn];
  call.domain = domain;
  call.wish = connect.tls_wish;
  call.host = connect.host;
  call.endpoint = connect.endpoint;
  call.stepped_down = stepped_down;
  call.began = world_.now();
}

void Checker::on_ready(ConnId conn, bool verified) {
  Call& call = calls_.at(conn);
  call.verified = verified;
  if (call.state == Call::State::kOpening) call.state = Call::State::kUp;
  paces_[call.domain].backed_off_until.erase(call.wish);  // it answers, so it is not down
}
void Checker::on_leaving(ConnId conn) {
  const auto found = calls_.find(conn);
  if (found != calls_.end()) found->second.state = Call::State::kLeaving;
}
void Checker::on_closed(ConnId conn) {
  on_finished(conn);
  calls_.erase(conn);
}

void Checker::on_finished(ConnId conn) {
  const auto found = calls_.find(conn);
  if (found == calls_.end()) return;
  for (const Key& key : found->second.under_way) tracks_.at(key).under_way = false;
  found->second.under_way.clear();
}

std::shared_ptr<Attempt> Checker::on_deliver(const delivery::Deliver& deliver) {
  auto attempt = std::make_shared<Attempt>();
  attempt->envelope = deliver.letter->envelope;
  attempt->recipients = deliver.recipients;
  const MessageId id = attempt->envelope->id;
  attempt->body = body_of(id);
  const auto found = calls_.find(deliver.conn);
  if (found == calls_.end()) return attempt;  // it has just gone; so the engine will hear
  Call& call = found->second;
  // What takes REQUIRETLS where it is offered asks no more of a connection than other mail.
  const bool asks = attempt->envelope->tls_wish != mail::TlsWish::kRequireTlsIfOffered;
  if ((asks ? attempt->envelope->tls_wish : mail::TlsWish::kPolicy) != call.wish) {
    world_.violate("mail with another wish than its connection's: " + render_id(id));
  }
  const policy::TlsPolicy& policy = scenario_.domain_named(call.domain)->tls;
  if (call.verified && policy.remember > Duration(0)) {  // it is in use, so it was learned from
    // What is learned again changes nothing until half of its time is over: so much is promised.
    shown_verified_[{call.host, call.endpoint.port}] = {world_.now(),
                                                        world_.now() + policy.remember / 2};
  }
  const auto& limits = scenario_.options.limits;
  if (++call.messages > limits.messages_per_connection)
    world_.violate("too many messages on one connection");
  if (deliver.recipients.size() > limits.recipients_per_message) {
    world_.violate("too many recipients in one transaction");
  }
  check_rate(paces_[call.domain].messages, limits.message_rate, "messages to " + call.domain);
  for (const mail::Recipient& recipient : deliver.recipients) {
    const Key key{id, recipient.number};
    Track& track = tracks_.at(key);
    if (track.due > world_.now()) world_.violate("tried before its time: " + name(key));
    if (track.under_way) world_.violate("tried twice at a time: " + name(key));
    if (track.unsettled || track.fate != Fate::kQueued)
      world_.violate("tried after its fate: " + name(key));
    track.under_way = true;
    track.attempt = attempt;
    call.under_way.push_back(key);
  }
  return attempt;
}

void Checker::on_content(const Attempt& attempt, const std::string& content) {
  if (content == attempt.body) return;
  world_.violate(fmt::format("other content than was stored: {} octets, not {}", content.size(),
                             attempt.body.size()));
}

void Checker::on_taken(Attempt& attempt, const std::vector<std::string>& addresses) {
  for (const std::string& address : addresses) {
    const auto recipient =
        std::find_if(attempt.recipients.begin(), attempt.recipients.end(),
                     [&](const auto& one) { return one.address.text() == address; });
    if (recipient == attempt.recipients.end())
      return world_.violate("unknown recipient " + address);
    const Key key{attempt.envelope->id, recipient->number};
    Track& track = tracks_.at(key);
    // Of two that take it, one must have been given up without knowing; it may be the one that
    // comes late.
    const bool excused = attempt.crashed || attempt.maybe.contains(recipient->number);
    if (!excused && track.taken > track.excused) {
      world_.violate("delivered twice without need: " + name(key));
    }
    ++track.taken;
    if (excused) ++track.excused;
  }
}

void Checker::on_tls_failure(const delivery::Connect& connect, policy::TlsFailure failure) {
  tls_failures_[connect.endpoint].insert(failure);
}

void Checker::on_backed_off(const delivery::BackedOff& event) {
  paces_[event.domain.text()].backed_off_until[event.tls_wish] = event.until;
}

// ---- the process

void Checker::on_crash() {
  for (auto& [key, track] : tracks_) {
    if (track.fate != Fate::kQueued) continue;
    track.under_way = track.unsettled = false;
    track.excused = track.taken;
    if (const auto attempt = track.attempt.lock()) attempt->crashed = true;
  }
  calls_.clear();
  paces_.clear();
}

void Checker::on_reconfigured() { paces_.clear(); }

}  // namespace posthaste::sim
