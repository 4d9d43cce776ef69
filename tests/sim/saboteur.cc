#include "tests/sim/saboteur.h"

#include <string_view>
#include <utility>

#include "lib/base/overloaded.h"

namespace posthaste::sim {
namespace {

using namespace std::chrono_literals;

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) {
    text.replace(at, what.size(), with);
  }
}

}  // namespace

std::shared_ptr<const delivery::Options> options_of(const Scenario& scenario,
                                                    const Mutation& mutation) {
  auto made = std::make_shared<delivery::Options>(scenario.options);
  if (mutation.is(Bug::kConnectionTooMany)) ++made->limits.connections;
  if (mutation.is(Bug::kMessageTooMany)) ++made->limits.messages_per_connection;
  if (mutation.is(Bug::kRecipientTooMany)) ++made->limits.recipients_per_message;
  if (mutation.is(Bug::kExpireEarly)) made->retry.defaults.expire_after /= 2;
  if (mutation.is(Bug::kFallBackAnyway)) made->tls = policy::TlsPolicies();
  if (mutation.is(Bug::kStripGuardOff) || mutation.is(Bug::kYoungInPlaintext)) {
    auto rules = scenario.rules;
    policy::TlsOverlay defaults;
    const auto spoil = [&](policy::TlsOverlay& overlay) {
      if (mutation.is(Bug::kStripGuardOff)) overlay.strip_guard = false;
      if (mutation.is(Bug::kYoungInPlaintext)) overlay.plaintext_after = Duration{0};
    };
    spoil(defaults);
    for (auto& rule : rules) spoil(rule.overlay);
    made->tls = *policy::TlsPolicies::make(defaults, "spoiled", rules);
  }
  return made;
}

// ---- what the engine hears

bool Saboteur::on_event(delivery::Event& event) {
  if (auto* ready = std::get_if<delivery::SessionReady>(&event)) on_ready(*ready);
  if (auto* finished = std::get_if<delivery::SessionFinished>(&event)) on_finished(*finished);
  if (const auto* failed = std::get_if<delivery::SessionFailed>(&event)) on_failed(*failed);
  if (const auto* closed = std::get_if<delivery::SessionClosed>(&event)) {
    checker_.on_closed(closed->conn);
    calls_.erase(closed->conn);
    return !mutation_.strikes(Bug::kDropClosed, 3);
  }
  if (std::holds_alternative<delivery::Answered>(event)) {
    return !mutation_.strikes(Bug::kDropAnswer, 5);
  }
  if (std::holds_alternative<delivery::Entry>(event)) {
    return !mutation_.strikes(Bug::kLoseEntry, 4);
  }
  if (std::holds_alternative<delivery::Tick>(event)) {
    return !mutation_.strikes(Bug::kOversleep, 5);
  }
  return true;
}

void Saboteur::on_ready(delivery::SessionReady& ready) {
  checker_.on_ready(ready.conn, ready.tls && ready.tls->verified);
  const auto found = calls_.find(ready.conn);
  const bool pretends = mutation_.is(Bug::kPlaintextAtEncrypt) && found != calls_.end() &&
                        found->second.tls == smtp::TlsNeed::kNever &&
                        found->second.demand->encrypted;
  if (!pretends) return;
  ready.tls.emplace();
  ready.tls->version = "TLSv1.3";
  ready.tls->profile = found->second.profile;
  ready.tls->certificate_present = ready.tls->verified = true;
  const auto demanded = found->second.demand->authentication;
  ready.tls->authenticated_by =
      demanded == policy::TlsAuthentication::kNone ? policy::TlsAuthentication::kPkix : demanded;
}

void Saboteur::on_failed(const delivery::SessionFailed& failed) {
  checker_.on_leaving(failed.conn);
  const auto found = calls_.find(failed.conn);
  if (failed.failure.tls == policy::TlsFailure::kNone || found == calls_.end()) return;
  checker_.on_tls_failure(found->second, failed.failure.tls);
  if (policy::kind(failed.failure.tls) == policy::TlsFailureKind::kHandshake) {
    failed_.insert(found->second.endpoint);
  }
}

void Saboteur::on_finished(delivery::SessionFinished& finished) {
  checker_.on_finished(finished.conn);
  for (auto& outcome : finished.result.outcomes) {
    if (outcome.verdict == smtp::Verdict::kMaybe && mutation_.is(Bug::kMaybeIsUntried)) {
      outcome.verdict = smtp::Verdict::kUntried;
    }
    if (outcome.verdict == smtp::Verdict::kMaybe && mutation_.is(Bug::kLostIsDelivered)) {
      outcome.verdict = smtp::Verdict::kDelivered;
    }
    if (outcome.verdict == smtp::Verdict::kTemporary && mutation_.is(Bug::kTemporaryIsPermanent)) {
      outcome.verdict = smtp::Verdict::kPermanent;
    }
  }
}

// ---- what the engine wants

bool Saboteur::on_action(delivery::Action& action) {
  if (auto* connect = std::get_if<delivery::Connect>(&action)) on_connect(*connect);
  if (const auto* quit = std::get_if<delivery::Quit>(&action)) checker_.on_leaving(quit->conn);
  if (auto* backed_off = std::get_if<delivery::BackedOff>(&action)) {
    if (mutation_.is(Bug::kBackOffShort)) backed_off->until += 1s;
    checker_.on_backed_off(*backed_off);
  }
  return true;
}

void Saboteur::on_connect(delivery::Connect& connect) {
  checker_.on_connect(connect);
  if (mutation_.is(Bug::kPlaintextAtEncrypt) && connect.demand->encrypted &&
      !connect.implicit_tls && failed_.contains(connect.endpoint)) {
    connect.tls = smtp::TlsNeed::kNever;
  }
  calls_.insert_or_assign(connect.conn, connect);
}

bool Saboteur::on_settle(const delivery::Persist& persist, queue::Settle& settle) {
  mutate(settle);
  checker_.on_persist(persist, settle);
  return !mutation_.strikes(Bug::kDropPersist, 4);
}

void Saboteur::mutate(queue::Settle& settle) {
  if (settle.dsn && mutation_.is(Bug::kForgetBounce)) settle.dsn.reset();
  for (queue::Fate& fate : settle.fates) {
    if (fate.kind == queue::FateKind::kDeferred && mutation_.is(Bug::kRetryEarly))
      fate.progress.due += 1s;
    if (fate.kind == queue::FateKind::kDelivered && mutation_.strikes(Bug::kRedeliver, 3)) {
      fate.kind = queue::FateKind::kDeferred;
      fate.progress.revision = fate.revision + 1;
      fate.progress.due = settle.id.time();
    }
  }
}

// ---- the store

// What the checker has to see of the requests, before they are moved from.
void Saboteur::on_commit(std::span<const queue::Request> batch) {
  asked_.clear();
  for (const queue::Request& request : batch) {
    if (const auto* accept = std::get_if<queue::Accept>(&request)) {
      asked_[accept->ticket] = *accept;
    }
    const auto* settle = std::get_if<queue::Settle>(&request);
    if (settle != nullptr && settle->dsn) asked_[settle->dsn->ticket] = *settle->dsn;
  }
}

void Saboteur::on_committed(std::span<const queue::StoreEvent> events,
                            const queue::MemoryStore& store) {
  for (const auto& event : events) {
    if (const auto* accepted = std::get_if<queue::Accepted>(&event)) {
      const queue::Accept& accept = asked_.at(accepted->ticket);
      std::string body;
      for (std::uint16_t i = 0; i < accept.envelope->body_chunks; ++i) {
        body += **store.body_chunk(accepted->id, i);
      }
      checker_.on_accepted(accept, std::move(body));
    }
    if (const auto* settled = std::get_if<queue::Settled>(&event)) checker_.on_settled(*settled);
  }
}

// ---- sessions

void Saboteur::on_session(const delivery::Connect& /*connect*/, smtp::ClientOptions& options) {
  if (mutation_.is(Bug::kPlaintextAtEncrypt)) options.plaintext_allowed = true;
  if (mutation_.is(Bug::kPlaintextAnyway) && !options.implicit_tls &&
      options.tls == smtp::TlsNeed::kRequired) {
    options.tls = smtp::TlsNeed::kIfOffered;
    options.plaintext_allowed = true;  // the guard is out of order as well
  }
}

void Saboteur::on_read(std::string& bytes) {
  if (mutation_.is(Bug::kPipelineAnyway)) {
    replace_all(bytes, "250-SIZE", "250-PIPELINING\r\n250-SIZE");
  }
}

void Saboteur::on_write(std::string& bytes) {
  if (mutation_.is(Bug::kNoDotStuffing)) replace_all(bytes, "\r\n..", "\r\n.");
}

std::shared_ptr<Attempt> Saboteur::on_deliver(const delivery::Deliver& deliver,
                                              smtp::Transaction& transaction) {
  if (mutation_.is(Bug::kDropRequireTls)) {
    auto envelope = std::make_shared<mail::Envelope>(*transaction.envelope);
    envelope->tls_wish = mail::TlsWish::kPolicy;
    transaction.envelope = std::move(envelope);
  }
  return checker_.on_deliver(deliver);
}

policy::TlsFailure Saboteur::on_judged(policy::TlsFailure failure) {
  return mutation_.is(Bug::kAnyCertificate) ? policy::TlsFailure::kNone : failure;
}

void Saboteur::on_died() {
  calls_.clear();
  checker_.on_crash();
}

// ---- the hosts

void Saboteur::on_mail(ConnId conn, const Attempt& attempt, const Shown& shown) {
  checker_.on_mail(conn, attempt, shown);
}

void Saboteur::on_content(const Attempt& attempt, const std::string& content) {
  checker_.on_content(attempt, content);
}

void Saboteur::on_taken(Attempt& attempt, const std::vector<std::string>& addresses) {
  checker_.on_taken(attempt, addresses);
}

}  // namespace posthaste::sim
