#include "tests/sim/saboteur.h"

#include <string_view>
#include <utility>

#include "daemon/clock_watch.h"
#include "lib/base/overloaded.h"

namespace posthaste::sim {
namespace {

using namespace std::chrono_literals;

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) {
    text.replace(at, what.size(), with);
  }
}

policy::RetryPolicies with_notice(policy::RetryPolicies retry, Duration after) {
  retry.defaults.delay_notice_after = after;
  for (auto& rule : retry.rules) rule.overlay.delay_notice_after.reset();
  return retry;
}

policy::RetryPolicies never_expiring(policy::RetryPolicies retry) {
  retry.defaults.expire_after += 24h;
  for (auto& rule : retry.rules) rule.overlay.expire_after.reset();
  return retry;
}

// That a host has had enough of us, as something that says nothing.
void disguise(smtp::Reply& reply) {
  const bool enough = reply.code == 421 || (reply.code == 451 && reply.enhanced.subject == 7 &&
                                            reply.enhanced.detail == 28);
  if (!enough) return;
  reply.code = 450;
  reply.enhanced = {4, 3, 0};
  reply.text = "not just now";
}

// 450 4.2.0, and so on, is read as a grey list; this is not.
void hide_grey_list(smtp::Reply& reply) {
  const bool grey = reply.code == 451 && reply.text.find("greylisted") != std::string::npos;
  if (grey) reply.enhanced = {4, 2, 1};
}

// What the session makes of a transaction.
void spoil(mail::Envelope& envelope, const Mutation& mutation) {
  if (mutation.is(Bug::kDropRequireTls)) envelope.tls_wish = mail::TlsWish::kPolicy;
  if (mutation.is(Bug::kDropDeliverBy)) envelope.deliver_by.reset();
  if (mutation.is(Bug::kDropPriority)) envelope.priority = 0;
  if (mutation.is(Bug::kDropEightBit)) envelope.eight_bit = false;
  if (mutation.is(Bug::kDropEightBit)) envelope.body_type = mail::BodyType::k7Bit;
  if (mutation.is(Bug::kDropUtf8)) envelope.smtputf8 = false;
}

}  // namespace

std::shared_ptr<const delivery::Options> options_of(const Scenario& scenario,
                                                    const Mutation& mutation) {
  auto made = std::make_shared<delivery::Options>(scenario.options);
  if (mutation.is(Bug::kConnectionTooMany)) ++made->limits.connections;
  if (mutation.is(Bug::kMessageTooMany)) ++made->limits.messages_per_connection;
  if (mutation.is(Bug::kRecipientTooMany)) ++made->limits.recipients_per_message;
  if (mutation.is(Bug::kExpireEarly)) made->retry.defaults.expire_after /= 2;
  if (mutation.is(Bug::kNeverExpire)) made->retry = never_expiring(made->retry);
  if (mutation.is(Bug::kIgnoreClasses)) made->retry.classes = {};
  if (mutation.is(Bug::kIgnoreRetryRules)) made->retry.rules.clear();
  if (mutation.is(Bug::kNeverTellDelay)) made->retry = with_notice(made->retry, Duration(0));
  if (mutation.is(Bug::kTellDelayEarly)) made->retry = with_notice(made->retry, 30s);
  if (mutation.is(Bug::kIgnoreRoutes)) made->routes.clear();
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
  if (auto* failed = std::get_if<delivery::SessionFailed>(&event)) on_failed(*failed);
  if (const auto* closed = std::get_if<delivery::SessionClosed>(&event)) {
    checker_.on_closed(closed->conn);
    calls_.erase(closed->conn);
    return !mutation_.strikes(Bug::kDropClosed, 3);
  }
  if (std::holds_alternative<delivery::Answered>(event)) {
    return !mutation_.strikes(Bug::kDropAnswer, 5);
  }
  if (auto* entry = std::get_if<delivery::Entry>(&event)) return on_entry(*entry);
  if (auto* loaded = std::get_if<delivery::Loaded>(&event)) {
    checker_.on_loaded(*loaded->letter);
    on_letter(loaded->letter);
  }
  if (auto* arrived = std::get_if<delivery::Arrived>(&event)) {
    checker_.on_arrived(*arrived->letter);
    on_letter(arrived->letter);
  }
  if (auto* missing = std::get_if<delivery::NotLoaded>(&event)) {
    if (mutation_.is(Bug::kForgetUnreadable)) missing->error.code = ErrorCode::kNotFound;
    checker_.on_not_loaded(*missing);
  }
  if (const auto* persisted = std::get_if<delivery::Persisted>(&event)) {
    checker_.on_persisted(*persisted);
  }
  if (std::holds_alternative<delivery::Tick>(event)) {
    return !mutation_.strikes(Bug::kOversleep, 5);
  }
  return on_order(event);
}

bool Saboteur::on_order(delivery::Event& event) {
  if (const auto* steer = std::get_if<delivery::Steer>(&event)) {
    if (steer->verb == delivery::SteerVerb::kHold) return !mutation_.is(Bug::kIgnoreHold);
    if (steer->verb == delivery::SteerVerb::kRelease) return !mutation_.is(Bug::kIgnoreRelease);
    if (steer->verb == delivery::SteerVerb::kRemove) return !mutation_.is(Bug::kIgnoreRemove);
    if (steer->verb == delivery::SteerVerb::kBounce) return !mutation_.is(Bug::kIgnoreBounce);
  }
  if (std::holds_alternative<delivery::Suspended>(event)) {
    return !mutation_.is(Bug::kIgnoreSuspension);
  }
  if (auto* reconfigured = std::get_if<delivery::Reconfigured>(&event)) {
    if (mutation_.is(Bug::kIgnoreTlsReload)) keep_tls(*reconfigured);
    return !mutation_.is(Bug::kIgnoreReload);
  }
  return true;
}

void Saboteur::keep_tls(delivery::Reconfigured& reconfigured) const {
  auto kept = std::make_shared<delivery::Options>(*reconfigured.options);
  kept->tls = tls_at_first_;
  reconfigured.options = std::move(kept);
}

// As the daemon's workers pass it on.
bool Saboteur::on_entry(delivery::Entry& entry) {
  if (mutation_.strikes(Bug::kLoseEntry, 4)) return false;
  if (!mutation_.is(Bug::kBelieveClock)) {
    entry.due = daemon::believable_due(entry.id, entry.due, world_.now());
  }
  if (mutation_.is(Bug::kForgetDue)) entry.due = world_.now();
  if (mutation_.is(Bug::kForgetAttempts)) entry.attempts = 0;
  if (mutation_.is(Bug::kForgetHeld)) entry.held = false;
  if (mutation_.is(Bug::kForgetClass)) entry.retry_class = policy::RetryClass::kOther;
  checker_.on_entry(entry);
  if (mutation_.is(Bug::kIgnorePriority)) entry.priority = 0;
  return true;
}

// What the engine sees of a message.
void Saboteur::on_letter(std::shared_ptr<const mail::Letter>& letter) const {
  const bool by = mutation_.is(Bug::kIgnoreDeliverBy);
  const bool priority = mutation_.is(Bug::kIgnorePriority);
  if (!by && !priority) return;
  auto spoilt = std::make_shared<mail::Letter>(*letter);
  auto envelope = std::make_shared<mail::Envelope>(*letter->envelope);
  if (by) envelope->deliver_by.reset();
  if (priority) envelope->priority = 0;
  if (priority) {
    for (auto& pending : spoilt->recipients) pending.priority = 0;
  }
  spoilt->envelope = std::move(envelope);
  letter = std::move(spoilt);
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

void Saboteur::on_failed(delivery::SessionFailed& failed) {
  checker_.on_failed(failed.conn, failed.failure);
  if (mutation_.is(Bug::kNeverSlowDown)) disguise(failed.failure.reply);
  const auto found = calls_.find(failed.conn);
  if (failed.failure.tls == policy::TlsFailure::kNone || found == calls_.end()) return;
  checker_.on_tls_failure(found->second, failed.failure.tls);
  if (policy::kind(failed.failure.tls) == policy::TlsFailureKind::kHandshake) {
    failed_.insert(found->second.endpoint);
  }
}

void Saboteur::on_finished(delivery::SessionFinished& finished) {
  const bool unseen = mutation_.is(Bug::kFloodAfterOutage);
  checker_.on_finished(finished.conn, unseen ? smtp::TransactionResult{} : finished.result);
  for (auto& outcome : finished.result.outcomes) {
    if (mutation_.is(Bug::kMisreadGreylist)) hide_grey_list(outcome.reply);
    if (mutation_.is(Bug::kNeverSlowDown)) disguise(outcome.reply);
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
  if (const auto* load = std::get_if<delivery::Load>(&action)) checker_.on_load(*load);
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

unsigned Saboteur::on_routed(unsigned owner, unsigned workers) {
  return mutation_.strikes(Bug::kWrongWorker, 3) ? (owner + 1) % workers : owner;
}

bool Saboteur::on_settle(const delivery::Persist& persist, queue::Settle& settle) {
  mutate(settle);
  if (mutation_.is(Bug::kForgetRemove)) keep_removed(persist, settle);
  checker_.on_persist(persist, settle);
  return !mutation_.strikes(Bug::kDropPersist, 4);
}

void Saboteur::keep_removed(const delivery::Persist& persist, queue::Settle& settle) const {
  for (std::size_t i = 0; i < settle.fates.size(); ++i) {
    if (persist.settlements[i].ending != delivery::Ending::kRemoved) continue;
    queue::Fate& fate = settle.fates[i];
    fate.kind = queue::FateKind::kDeferred;
    fate.progress = persist.settlements[i].before.progress;
    ++fate.progress.revision;
  }
}

void Saboteur::mutate(queue::Settle& settle) {
  if (settle.dsn && mutation_.is(Bug::kForgetBounce)) settle.dsn.reset();
  for (queue::Fate& fate : settle.fates) {
    if (fate.kind == queue::FateKind::kDeferred && mutation_.is(Bug::kRetryEarly))
      fate.progress.due += 1s;
    if (mutation_.is(Bug::kTellDelayTwice)) fate.progress.delay_told = false;
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
  if (mutation_.bug != Bug::kNone) {
    auto envelope = std::make_shared<mail::Envelope>(*transaction.envelope);
    spoil(*envelope, mutation_);
    transaction.envelope = std::move(envelope);
  }
  auto attempt = checker_.on_deliver(deliver);
  // What the engine did not see, the session does.
  const bool blind = mutation_.is(Bug::kIgnorePriority) || mutation_.is(Bug::kIgnoreDeliverBy);
  if (blind) transaction.envelope = attempt->envelope;
  return attempt;
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
