// What happens on a destination's connections.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lib/base/check.h"
#include "lib/delivery/destination.h"

namespace posthaste::delivery {
namespace {

using State = Connection::State;

bool refused_for_plaintext(const Connection& connection, const smtp::RecipientOutcome& outcome) {
  return connection.stepped_down != policy::TlsFailure::kNone && wants_tls(outcome);
}

// Why a connection is in plaintext that need not be.
policy::TlsFailure stepped_down(const Dial& dial) {
  if (dial.to.plaintext) return dial.to.because;
  return dial.tls == smtp::TlsNeed::kIfOffered ? policy::TlsFailure::kNotOffered
                                               : policy::TlsFailure::kNone;
}

// What a transaction's result says about the connection that it was made on.
struct Health {
  bool verdict = false;                    // the host has decided about somebody
  const smtp::Reply* throttled = nullptr;  // set: the host has enough of us, and says so here
  const smtp::RecipientOutcome* broken =
      nullptr;  // set: the connection is at its end, as told here
  const smtp::RecipientOutcome* of_host = nullptr;  // set: the host takes no mail just now
};

Health health_of(const smtp::TransactionResult& result, const Connection& connection,
                 ReplyReader& reader) {
  Health health;
  for (const smtp::RecipientOutcome& outcome : result.outcomes) {
    const smtp::Reply& reply = outcome.reply;
    const bool cut =
        outcome.verdict == smtp::Verdict::kUntried || outcome.verdict == smtp::Verdict::kMaybe;
    // RFC 5321 §3.8: a server that says 421 is closing the channel.
    const bool lacks_tls = refused_for_plaintext(connection, outcome);
    if (cut || reply.code == 421 || lacks_tls) health.broken = &outcome;
    const bool of_host = host_trouble(outcome, reader) || lacks_tls;
    if (of_host) health.of_host = &outcome;
    health.verdict |= !cut && !of_host && reply.code != 0 && reply.code != 421;
    if (reader.read(reply, outcome.stage).slow_down) health.throttled = &reply;
  }
  return health;
}

std::string verdict_in_words(const policy::TlsFacts& facts) {
  if (!facts.verified) return "unverified";
  return fmt::format("verified by {}", policy::name(facts.authenticated_by));
}

// What was asked for, by whom, and which offer it came up with where that is not the first.
std::string demand_in_words(const Walk::Step& step) {
  const policy::TlsDemand& demand = *step.tls->demand;
  std::string words = fmt::format("level {}", policy::name(demand.level));
  if (demand.source != policy::TlsSource::kOperator) {
    words += fmt::format(" by {}", policy::name(demand.source));
  }
  if (step.rung == 0) return words;
  words += fmt::format(", rung {}", step.tls->ladder.at(step.rung).name);
  if (step.because == policy::TlsFailure::kNone) return words + " as remembered";
  return words + fmt::format(" after {}", policy::label(step.because));
}

std::string tls_in_words(const Dial& dial, const std::optional<policy::TlsFacts>& tls) {
  if (tls) {
    return fmt::format("{} {} {} ({})", tls->version, tls->cipher, verdict_in_words(*tls),
                       demand_in_words(dial.to));
  }
  if (dial.to.plaintext) return fmt::format("plaintext ({})", policy::label(dial.to.because));
  return dial.tls == smtp::TlsNeed::kNever ? "plaintext (level none)" : "plaintext (not_offered)";
}

// It has carried what it may.
bool worn_out(const Connection& connection, const Limits& limits) {
  return connection.messages >= limits.messages_per_connection;
}

bool lacks_tls(policy::TlsFailure failure) {
  if (failure == policy::TlsFailure::kNone) return false;
  const auto kind = policy::kind(failure);
  return kind == policy::TlsFailureKind::kNotOffered || kind == policy::TlsFailureKind::kRefused;
}

// Why a session that is up must not be used all the same.
policy::TlsFailure objection_to(const SessionReady& ready, const policy::TlsDemand& demand) {
  if (!policy::satisfies(demand, ready.tls)) return policy::TlsFailure::kGuarded;
  if (demand.requiretls && !ready.capabilities.requiretls) {
    return policy::TlsFailure::kRequireTlsMissing;
  }
  return policy::TlsFailure::kNone;
}

}  // namespace

// Takes it out of the account of its state; what is left is to wait for SessionClosed.
void Destination::detach(Connection& connection) {
  switch (connection.state) {
    case State::kOpening: --opening_; break;
    case State::kFree:
      --connection.site->up;
      shared_.idle.erase(connection.idle);
      std::erase(free_, &connection);
      break;
    case State::kBusy:
      --connection.site->up;
      --busy_;
      --shared_.busy;
      break;
    case State::kLeaving: return;
  }
  connection.state = State::kLeaving;
  for (Turns* turns : {&shared_.turns, &quota_->turns, &connection.site->turns}) turns->expect();
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
  if (!ready.tls) connection.stepped_down = stepped_down(connection.dial);
  --opening_;
  ++connection.site->up;
  set_free(connection, turn);
  const Dial& dial = connection.dial;
  connection.stale |= router_.outdated(dial);
  const policy::TlsFailure objection = objection_to(ready, *dial.to.tls->demand);
  if (connection.stale || objection != policy::TlsFailure::kNone) {
    if (objection != policy::TlsFailure::kNone) {
      Trouble trouble = trouble_of_tls(objection, *dial.to.tls, connection.host);
      // A host that would not speak ESMTP just now has not said what it offers.
      if (ready.capabilities.helo_only) trouble = for_now(std::move(trouble));
      note_failure(connection, std::move(trouble), turn);
    }
    leave(connection, turn);
    return drain(turn);
  }
  tell_of_fall(dial, ready.tls.has_value(), turn);
  auto around = this->around(turn);
  // It does what it was made for, and is the last of its plan.
  if (!router_.on_ready(dial, ready.tls, around)) connection.stale = true;
  tell(around, turn);
  if (ready.tls) leave_all(dial.to.candidate.endpoint, true, turn);
  drain(turn);
}

void Destination::tell_of_fall(const Dial& dial, bool tls, Turn& turn) {
  const auto fell = [&](std::string from, std::string to, policy::TlsFailure reason) {
    turn.out.push_back(
        FellBack{domain_, dial.to.candidate.host, std::move(from), std::move(to), reason});
  };
  const policy::Ladder& ladder = dial.to.tls->ladder;
  if (tls && dial.to.rung_before) {
    fell(ladder.at(*dial.to.rung_before).name, ladder.at(dial.to.rung).name, dial.to.because);
  } else if (!tls && dial.to.plaintext) {
    fell("starttls", "plaintext", dial.to.because);
  } else if (!tls && dial.tls == smtp::TlsNeed::kIfOffered) {
    fell("starttls", "plaintext", policy::TlsFailure::kNotOffered);
  }
}

void Destination::note_success(Connection& connection) {
  connection.proven = true;
  failures_ = 0;
  backed_off_until_ = Instant{};
  last_failure_.reset();
  connection.site->outage.reset();
  if (!connection.stale) router_.on_proven();
}

void Destination::on_finished(Connection& connection, const smtp::TransactionResult& result,
                              Turn& turn) {
  CHECK(connection.state == State::kBusy && connection.batch);
  const auto batch = std::move(connection.batch);
  --busy_;
  --shared_.busy;
  set_free(connection, turn);
  const auto site = connection.site;
  ReplyReader reader(*turn.options().replies, connection.dial.to.candidate.host);
  const Health health = health_of(result, connection, reader);
  if (health.verdict) note_success(connection);
  const bool elsewhere =
      health.of_host != nullptr &&
      turn_from(connection, *batch, trouble_on(connection, *health.of_host, reader), turn);
  // Nobody else to ask: what it says is the verdict, and it may say otherwise of the next message.
  if (health.of_host != nullptr && !elsewhere && !health.broken) note_success(connection);
  settle(*batch, result, connection, elsewhere, reader, turn);
  bool wider = false;
  if (health.throttled != nullptr) {
    slow_down(connection, Window::TooMuch::kMail, *health.throttled, turn);
  } else if (health.verdict) {
    ramp_.on_verdict(settings_.limits.connections);
    wider = site->window.on_verdict(settings_.limits.connections);
  }
  // Quit is said also to one that is breaking: it does no harm, and nothing is left that only half
  // broke.
  if (health.broken || worn_out(connection, settings_.limits) || connection.stale ||
      gives_way(connection))
    leave(connection, turn);
  if (health.broken) note_failure(connection, trouble_on(connection, *health.broken, reader), turn);
  drain(turn);
  if (wider) site->feed(turn);
}

Trouble Destination::trouble_on(const Connection& connection, const smtp::RecipientOutcome& outcome,
                                ReplyReader& reader) {
  return refused_for_plaintext(connection, outcome)
             ? trouble_of_missing_tls(connection.stepped_down, outcome, connection.host)
             : trouble_of_outcome(outcome, reader, connection.host);
}

// The host has decided about none of those: another one may.
bool Destination::undecided(const Connection& connection, const smtp::RecipientOutcome& outcome,
                            ReplyReader& reader) {
  return host_trouble(outcome, reader) || refused_for_plaintext(connection, outcome);
}

// True: the batch is to be tried at another host. Nothing more is begun at this one meanwhile.
bool Destination::turn_from(Connection& connection, const Batch& batch, Trouble trouble,
                            Turn& turn) {
  if (connection.stale || !may_hop(batch)) return false;
  auto around = this->around(turn);
  const bool elsewhere = router_.turn_from(connection.dial, std::move(trouble), around);
  tell(around, turn);
  if (!elsewhere) return false;
  leave_all(connection.dial.to.candidate.endpoint, false, turn);
  return true;
}

// The limit has been lowered: free connections may have carried as much as they may.
void Destination::leave_worn_out(Turn& turn) {
  for (Connection* connection : std::vector<Connection*>(free_)) {
    if (worn_out(*connection, settings_.limits)) leave(*connection, turn);
  }
}

// Nothing more goes over the connections to that address, or over those of them that are in
// plaintext because handshakes had failed.
void Destination::leave_all(const Endpoint& endpoint, bool in_plaintext_only, Turn& turn) {
  for (const auto& [id, other] : shared_.connections) {
    if (other->owner != this || other->dial.to.candidate.endpoint != endpoint) continue;
    if (in_plaintext_only && !other->dial.in_plaintext_by_failure()) continue;
    if (other->state == State::kOpening || other->state == State::kFree) leave(*other, turn);
    other->stale = true;
  }
}

// One that had proved itself may go; the next call is made to the same host.
void Destination::note_failure(const Connection& connection, Trouble trouble, Turn& turn) {
  if (connection.proven || connection.stale) return;
  auto around = this->around(turn);
  router_.on_failed(connection.dial, std::move(trouble), around);
  tell(around, turn);
  // Who looks for TLS beside what is up has a pace of its own.
  if (up() > 0 && !router_.seeks_tls()) hold_opening_until_ = turn.now + kHoldOpening;
}

void Destination::on_failed(Connection& connection, const smtp::SessionFailure& failure,
                            Turn& turn) {
  if (connection.state == State::kLeaving)
    return;  // it was on its way out, or its failure is known
  if (failure.local_network) quota_->calls.give_back();  // nobody was called
  rescue(connection);
  detach(connection);
  smtp::SessionFailure told = failure;
  if (connection.dial.guarded && lacks_tls(failure.tls)) {
    told.tls = policy::TlsFailure::kSuspectedStrip;
    const Candidate& suspect = connection.dial.to.candidate;
    turn.out.push_back(SuspectedStrip{domain_, suspect.host, suspect.endpoint});
  }
  ReplyReader reader(*turn.options().replies, connection.dial.to.candidate.host);
  Trouble trouble = trouble_of_session(told, *connection.dial.to.tls, reader, connection.host);
  if (trouble.slow_down) {
    const auto what = connection.messages == 0 ? Window::TooMuch::kCalls : Window::TooMuch::kMail;
    slow_down(connection, what, failure.reply, turn);
  }
  note_failure(connection, std::move(trouble), turn);
  drain(turn);
}

void Destination::on_closed(Connection& connection, Turn& turn) {
  if (connection.state != State::kLeaving) {
    smtp::SessionFailure failure;
    failure.stage = smtp::Stage::kIdle;
    failure.words = "the connection was closed";
    on_failed(connection, failure, turn);
  }
  CHECK(connections_ > 0 && connection.state == State::kLeaving);
  for (Turns* turns : {&shared_.turns, &quota_->turns, &connection.site->turns}) turns->came();
  --connections_;
  --quota_->connections;
  const auto site = connection.site;
  --site->connections;
  shared_.connections.erase(connection.id);
  drain(turn);
  quota_->feed(turn);
  site->feed(turn);
  shared_.release(*site);
}

}  // namespace posthaste::delivery
