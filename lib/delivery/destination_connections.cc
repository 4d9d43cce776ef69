// What happens on a destination's connections.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lib/base/check.h"
#include "lib/delivery/destination.h"

namespace posthaste::delivery {
namespace {

using State = Connection::State;

policy::RetryClass classify(const smtp::Reply& reply) {
  return policy::classify_reply(reply.code, reply.enhanced.subject, reply.enhanced.detail);
}

// What a transaction's result says about the connection that it was made on.
struct Health {
  bool verdict = false;    // the host has decided about somebody
  bool throttled = false;  // the host has enough of us
  const smtp::RecipientOutcome* broken =
      nullptr;  // set: the connection is at its end, as told here
  const smtp::RecipientOutcome* of_host = nullptr;  // set: the host takes no mail just now
};

Health health_of(const smtp::TransactionResult& result) {
  Health health;
  for (const smtp::RecipientOutcome& outcome : result.outcomes) {
    const smtp::Reply& reply = outcome.reply;
    const bool cut =
        outcome.verdict == smtp::Verdict::kUntried || outcome.verdict == smtp::Verdict::kMaybe;
    // RFC 5321 §3.8: a server that says 421 is closing the channel.
    if (cut || reply.code == 421) health.broken = &outcome;
    const bool of_host = host_trouble(outcome);
    if (of_host) health.of_host = &outcome;
    health.verdict |= !cut && !of_host && reply.code != 0 && reply.code != 421;
    health.throttled |= reply.temporary() && classify(reply) == policy::RetryClass::kThrottled;
  }
  return health;
}

std::string tls_in_words(const Dial& dial, const std::optional<policy::TlsFacts>& tls) {
  if (tls) {
    return fmt::format("{} {} {}", tls->version, tls->cipher,
                       tls->verified ? "verified" : "unverified");
  }
  if (dial.stepped_down != policy::TlsFailure::kNone) {
    return fmt::format("plaintext ({})", policy::label(dial.stepped_down));
  }
  return dial.tls == smtp::TlsNeed::kNever ? "plaintext (level none)" : "plaintext (not_offered)";
}

}  // namespace

// Takes it out of the account of its state; what is left is to wait for SessionClosed.
void Destination::detach(Connection& connection) {
  switch (connection.state) {
    case State::kOpening: --opening_; break;
    case State::kFree:
      shared_.idle.erase(connection.idle);
      std::erase(free_, &connection);
      break;
    case State::kBusy:
      --busy_;
      --shared_.busy;
      break;
    case State::kLeaving: return;
  }
  connection.state = State::kLeaving;
  if (up() == 0) router_.on_nobody_up();
}

void Destination::leave(Connection& connection, Turn& turn) {
  CHECK(!connection.batch);
  if (connection.state == State::kLeaving) return;
  if (connection.state == State::kOpening && !connection.stale) router_.on_closed(connection.dial);
  detach(connection);
  turn.out.push_back(Quit{connection.id});
}

void Destination::set_free(Connection& connection, Turn& turn) {
  connection.state = State::kFree;
  connection.free_since = turn.now;
  free_.push_back(&connection);
  connection.idle = shared_.idle.insert(shared_.idle.end(), &connection);
}

void Destination::on_ready(Connection& connection, const SessionReady& ready, Turn& turn) {
  if (connection.state != State::kOpening) return;  // it was told to leave meanwhile
  connection.tls = tls_in_words(connection.dial, ready.tls);
  --opening_;
  set_free(connection, turn);
  const Dial& dial = connection.dial;
  if (connection.stale) {
    leave(connection, turn);
    return drain(turn);
  }
  if (!ready.tls && dial.tls == smtp::TlsNeed::kIfOffered) {
    turn.out.push_back(FellBack{domain_, dial.candidate.host, policy::TlsFailure::kNotOffered});
  } else if (!ready.tls && dial.stepped_down != policy::TlsFailure::kNone) {
    turn.out.push_back(FellBack{domain_, dial.candidate.host, dial.stepped_down});
  }
  router_.on_ready(dial, turn.now);
  drain(turn);
}

void Destination::note_success(Connection& connection) {
  connection.proven = true;
  failures_ = 0;
  backed_off_until_ = Instant{};
  last_failure_.reset();
  if (!connection.stale) router_.on_proven();
}

void Destination::on_finished(Connection& connection, const smtp::TransactionResult& result,
                              Turn& turn) {
  CHECK(connection.state == State::kBusy && connection.batch);
  const auto batch = std::move(connection.batch);
  --busy_;
  --shared_.busy;
  set_free(connection, turn);
  const Health health = health_of(result);
  if (health.verdict) note_success(connection);
  const bool elsewhere =
      health.of_host != nullptr &&
      turn_from(connection, *batch, trouble_of_outcome(*health.of_host, connection.host), turn);
  // Nobody else to ask: what it says is the verdict, and it may say otherwise of the next message.
  if (health.of_host != nullptr && !elsewhere && !health.broken) note_success(connection);
  settle(*batch, result, connection, elsewhere, turn);
  if (health.throttled) hold_opening_until_ = turn.now + kHoldOpening;
  const bool done = connection.messages >= settings_.limits.messages_per_connection;
  // Quit is said also to one that is breaking: it does no harm, and nothing is left that only half
  // broke.
  if (health.broken || done || connection.stale || gives_way(connection)) leave(connection, turn);
  if (health.broken)
    note_failure(connection, trouble_of_outcome(*health.broken, connection.host), turn);
  drain(turn);
}

// True: the batch is to be tried at another host. Nothing more is begun at this one meanwhile.
bool Destination::turn_from(Connection& connection, const Batch& batch, Trouble trouble,
                            Turn& turn) {
  if (connection.stale || !may_hop(batch)) return false;
  if (!router_.turn_from(connection.dial, std::move(trouble), turn.options())) return false;
  const Endpoint endpoint = connection.dial.candidate.endpoint;
  for (const auto& [id, other] : shared_.connections) {
    if (other->owner != this || other->dial.candidate.endpoint != endpoint) continue;
    if (other->state == State::kOpening || other->state == State::kFree) leave(*other, turn);
    other->stale = true;
  }
  return true;
}

// One that had proved itself may go; the next call is made to the same host.
void Destination::note_failure(const Connection& connection, Trouble trouble, const Turn& turn) {
  if (connection.proven || connection.stale) return;
  const bool plaintext_allowed =
      trouble.tls != policy::TlsFailure::kNone && connection.dial.tls != smtp::TlsNeed::kNever &&
      choice_for(trouble.tls, settings_.tls) == policy::OnTlsFailure::kPlaintext;
  router_.on_failed(connection.dial, std::move(trouble), plaintext_allowed);
  if (up() > 0) hold_opening_until_ = turn.now + kHoldOpening;
}

void Destination::on_failed(Connection& connection, const smtp::SessionFailure& failure,
                            Turn& turn) {
  if (connection.state == State::kLeaving)
    return;  // it was on its way out, or its failure is known
  if (failure.local_network) connection_pace_.give_back();  // nobody was called
  rescue(connection);
  detach(connection);
  note_failure(connection, trouble_of_session(failure, settings_.tls, connection.host), turn);
  drain(turn);
}

void Destination::on_closed(Connection& connection, Turn& turn) {
  if (connection.state != State::kLeaving) {
    smtp::SessionFailure failure;
    failure.stage = smtp::Stage::kIdle;
    failure.words = "the connection was closed";
    on_failed(connection, failure, turn);
  }
  CHECK(connections_ > 0);
  --connections_;
  shared_.connections.erase(connection.id);
  drain(turn);
}

}  // namespace posthaste::delivery
