// What the Checker has to say of connections, and of what goes over them.
#include <algorithm>

#include "tests/sim/checker.h"

namespace posthaste::sim {

void Checker::check_rate(std::deque<Instant>& times, const delivery::Rate& rate,
                         const std::string& what) {
  if (rate.count == 0) return;
  times.push_back(world_.now());
  while (times.front() <= world_.now() - rate.per) times.pop_front();
  if (times.size() > rate.count) world_.violate(what + " come too fast");
}

// What takes REQUIRETLS where it is offered asks no more of a connection than other mail.
mail::TlsWish Checker::wish_of(const mail::Envelope& envelope) {
  return envelope.tls_wish == mail::TlsWish::kRequireTlsIfOffered ? mail::TlsWish::kPolicy
                                                                  : envelope.tls_wish;
}

void Checker::check_limits(const delivery::Connect& connect) {
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
  // One that has gone at the same moment may still have been there when this one was ordered.
  const bool alone = up == 0 && paces_[domain].last_up[connect.tls_wish] != world_.now();
  if (alone && opening > 0) world_.violate("two probes at a time to " + domain);
  // Who lets mail go again wants it tried.
  const BackOff& off = paces_[domain].back_offs[connect.tls_wish];
  if (world_.now() < off.until && !resumed_since(off.since))
    world_.violate("a call during the back-off of " + domain);
  check_share(domain);
  check_comeback(domain, connect.tls_wish);
}

void Checker::on_connect(const delivery::Connect& connect) {
  const std::string& domain = connect.domain.text();
  check_limits(connect);
  if (!scenario_.serves(connect.host, *scenario_.domain_named(domain)))
    world_.violate(fmt::format("{} does not serve {}", connect.host.text(), domain));
  if (host_stopped(connect.host))
    world_.violate("a call to a host that is suspended: " + connect.host.text());
  const bool stepped_down =
      connect.tls == smtp::TlsNeed::kNever && connect.level > policy::TlsLevel::kNone;
  const policy::TlsPolicy& policy = scenario_.domain_named(domain)->tls_now();
  const auto& seen = tls_failures_[connect.endpoint];
  if (stepped_down && std::none_of(seen.begin(), seen.end(), [&](policy::TlsFailure failure) {
        return choice(failure, policy) == policy::OnTlsFailure::kPlaintext;
      })) {
    world_.violate("plaintext that policy does not allow: " + domain);
  }
  check_rate(paces_[domain].calls, scenario_.options.limits.connection_rate,
             "connections to " + domain);
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
  paces_[call.domain].back_offs.erase(call.wish);  // it answers, so it is not down
}
void Checker::on_leaving(ConnId conn) {
  const auto found = calls_.find(conn);
  if (found == calls_.end()) return;
  Call& call = found->second;
  if (call.state == Call::State::kUp) paces_[call.domain].last_up[call.wish] = world_.now();
  call.state = Call::State::kLeaving;
}
void Checker::on_failed(ConnId conn, const smtp::SessionFailure& failure) {
  const auto found = calls_.find(conn);
  if (found != calls_.end()) note_refused_call(found->second, failure.reply);
  on_leaving(conn);
}

void Checker::on_closed(ConnId conn) {
  on_finished(conn, {});
  on_leaving(conn);
  calls_.erase(conn);
}

void Checker::on_finished(ConnId conn, const smtp::TransactionResult& result) {
  const auto found = calls_.find(conn);
  if (found == calls_.end()) return;
  for (const Key& key : found->second.under_way) {
    Track& track = tracks_.at(key);
    track.tried_until = track.under_way ? world_.now() : track.tried_until;
    track.under_way = false;
  }
  found->second.under_way.clear();
  note_verdicts(found->second, result);
}

void Checker::check_attempt(const Key& key, const Call& call) {
  const Track& track = tracks_.at(key);
  if (track.domain != call.domain) world_.violate("sent to another domain: " + name(key));
  if (track.due > world_.now()) world_.violate("tried before its time: " + name(key));
  if (track.under_way) world_.violate("tried twice at a time: " + name(key));
  if (track.unsettled || track.fate != Fate::kQueued)
    world_.violate("tried after its fate: " + name(key));
  check_stopped(key, track);
}

std::shared_ptr<Attempt> Checker::on_deliver(const delivery::Deliver& deliver) {
  auto attempt = std::make_shared<Attempt>();
  const MessageId id = deliver.letter->envelope->id;
  attempt->envelope = tracks_.at({id, deliver.recipients.front().number}).envelope;
  attempt->recipients = deliver.recipients;
  attempt->body = body_of(id);
  const auto found = calls_.find(deliver.conn);
  if (found == calls_.end()) return attempt;  // it has just gone; so the engine will hear
  Call& call = found->second;
  if (wish_of(*attempt->envelope) != call.wish)
    world_.violate("mail with another wish than its connection's: " + render_id(id));
  // A reload that comes at the same time comes later.
  call.ordered = world_.now() - Duration(1);
  const policy::TlsPolicy& policy =
      in_force(scenario_.domain_named(call.domain)->tls, call.began).policy;
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
  check_slowed(call.domain);
  check_rate(paces_[call.domain].messages, limits.message_rate, "messages to " + call.domain);
  for (const mail::Recipient& recipient : deliver.recipients) {
    const Key key{id, recipient.number};
    check_attempt(key, call);
    Track& track = tracks_.at(key);
    track.under_way = true;
    track.attempt = attempt;
    call.under_way.push_back(key);
  }
  check_priority({id, deliver.recipients.front().number}, call);
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

}  // namespace posthaste::sim
