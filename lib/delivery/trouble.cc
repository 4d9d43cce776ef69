#include "lib/delivery/trouble.h"

#include <fmt/format.h>

#include <utility>

#include "lib/base/check.h"
#include "lib/base/ip.h"

namespace posthaste::delivery {
namespace {

constexpr int kNoMailHere = 521;
constexpr int kMustStartTls = 530;

using policy::OnTlsFailure;
using policy::RetryClass;
using policy::TlsFailure;
using smtp::EnhancedCode;
using smtp::Stage;

Trouble ours(bool permanent, RetryClass retry_class, EnhancedCode status, std::string words) {
  Trouble trouble;
  trouble.permanent = permanent;
  trouble.retry_class = retry_class;
  trouble.status = trouble.reply.enhanced = status;
  trouble.reply.text = std::move(words);
  return trouble;
}

// RFC 3463 §3.5: 4.4.1 no answer from host, 4.4.2 bad connection.
EnhancedCode status_of_failure(const smtp::SessionFailure& failure) {
  return {4, 4, static_cast<std::uint16_t>(failure.stage == Stage::kConnect ? 1 : 2)};
}

// RFC 3463 §3.8: 7.4 security features not supported, 7.5 cryptographic failure. RFC 8689 §4.2.1:
// 7.30 REQUIRETLS support required.
EnhancedCode status_of_tls(TlsFailure failure, std::uint8_t cls) {
  if (failure == TlsFailure::kRequireTlsMissing) return {cls, 7, 30};
  const auto kind = policy::kind(failure);
  const bool lacking = kind == policy::TlsFailureKind::kNotOffered ||
                       kind == policy::TlsFailureKind::kRefused ||
                       failure == TlsFailure::kSuspectedStrip;
  return {cls, 7, static_cast<std::uint16_t>(lacking ? 4 : 5)};
}

std::string tls_words(TlsFailure failure, const HostTls& tls, const std::string& host) {
  switch (failure) {
    case TlsFailure::kDaneLookup:
      return fmt::format("TLSA records of {} cannot be looked up, so that DANE cannot be ruled out",
                         host);
    case TlsFailure::kDaneRequired:
      return fmt::format("{} has no usable TLSA record, which level dane-only wants", host);
    case TlsFailure::kStsMxMismatch:
      return fmt::format("the domain's MTA-STS policy does not name its mail host {}", host);
    case TlsFailure::kSuspectedStrip:
      return fmt::format(
          "{} has shown verified TLS before and offers none now: somebody may be in between", host);
    case TlsFailure::kRequireTlsMissing:
      return fmt::format("the message requires REQUIRETLS, and {} cannot promise it", host);
    default: break;
  }
  std::string words = fmt::format("TLS with {} failed: {}", host, policy::label(failure));
  if (tls.demand->encrypted) {
    words += fmt::format(" (level {} by {})", name(tls.demand->level), name(tls.demand->source));
  }
  return words;
}

// What the operator's rules make of a refusal. The reply stays as the host gave it.
Trouble as_meant(Trouble trouble, const policy::RefusalMeaning& meaning) {
  trouble.retry_class = meaning.retry_class;
  trouble.slow_down = meaning.slow_down;
  switch (meaning.fate) {
    case policy::RefusalMeaning::Fate::kAsSaid: break;
    case policy::RefusalMeaning::Fate::kDefer: return for_now(std::move(trouble));
    case policy::RefusalMeaning::Fate::kBounce:
      trouble.permanent = true;
      trouble.status.cls = 5;
      break;
  }
  return trouble;
}

}  // namespace

EnhancedCode status_of(const smtp::Reply& reply) {
  const auto cls = static_cast<std::uint8_t>(reply.code / 100);
  // A class that contradicts the reply code is the server's slip; the code decides (RFC 2034 §4).
  if (reply.enhanced.cls == 0 || (reply.code != 0 && reply.enhanced.cls != cls)) return {cls, 0, 0};
  return reply.enhanced;
}

Trouble trouble_of_plan(const dns::MxPlan& plan) {
  CHECK(plan.kind != dns::MxPlan::Kind::kHosts);
  return ours(plan.kind != dns::MxPlan::Kind::kTemporary, RetryClass::kDns,
              {plan.status.cls, plan.status.subject, plan.status.detail}, plan.words);
}

Trouble trouble_of_lookup(const MxName& host, const dns::Answer& answer) {
  return ours(false, RetryClass::kDns, {4, 4, 3},
              fmt::format("addresses of {} could not be looked up: {}", host.text(), answer.words));
}

Trouble no_address(const MxName& host) {
  return ours(true, RetryClass::kDns, {5, 4, 4},
              fmt::format("mail host {} has no address", host.text()));
}

Trouble refused_address(const MxName& host, const IpAddress& address) {
  return ours(true, RetryClass::kDns, {5, 4, 4},
              fmt::format("mail host {} has the special-purpose address {}, which "
                          "delivery.allow_networks does not contain",
                          host.text(), render_ip(address)));
}

Trouble bad_literal(const RoutingDomain& domain) {
  return ours(true, RetryClass::kDns, {5, 1, 3},
              fmt::format("{} is no address literal that mail can be sent to", domain.text()));
}

OnTlsFailure choice_for(TlsFailure failure, const HostTls& tls) {
  const policy::TlsPolicy& policy = tls.policy;
  const auto chosen = [&] {
    switch (policy::kind(failure)) {
      case policy::TlsFailureKind::kNotOffered: return policy.not_offered;
      case policy::TlsFailureKind::kRefused: return policy.refused;
      case policy::TlsFailureKind::kHandshake: return policy.handshake;
      case policy::TlsFailureKind::kLocal:
      case policy::TlsFailureKind::kPolicy: return OnTlsFailure::kDefer;
    }
    return OnTlsFailure::kDefer;
  }();
  const bool plaintext_possible =
      !tls.demand->encrypted && policy.connect == policy::TlsConnect::kStartTls;
  if (chosen == OnTlsFailure::kPlaintext && !plaintext_possible) return OnTlsFailure::kDefer;
  return chosen;
}

Trouble trouble_of_tls(TlsFailure failure, const HostTls& tls, std::string host,
                       std::string words) {
  Trouble trouble;
  trouble.stage = Stage::kHandshake;
  trouble.tls = failure;
  const OnTlsFailure choice = choice_for(failure, tls);
  // Whoever asked for REQUIRETLS would rather have it back than unprotected (RFC 8689 §4.2.1).
  trouble.permanent = choice == OnTlsFailure::kBounce || failure == TlsFailure::kRequireTlsMissing;
  trouble.retry_class = RetryClass::kTls;
  trouble.status = status_of_tls(failure, trouble.permanent ? 5 : 4);
  trouble.reply.enhanced = trouble.status;
  trouble.reply.text = words.empty() ? tls_words(failure, tls, host) : std::move(words);
  trouble.host = std::move(host);
  if (choice == OnTlsFailure::kPlaintext &&
      policy::kind(failure) == policy::TlsFailureKind::kHandshake) {
    trouble.plaintext_after = tls.policy.plaintext_after;
  }
  return trouble;
}

Trouble for_now(Trouble trouble) {
  if (!trouble.permanent) return trouble;
  trouble.permanent = false;
  trouble.status.cls = 4;
  if (trouble.reply.code == 0) trouble.reply.enhanced = trouble.status;
  return trouble;
}

Trouble trouble_of_session(const smtp::SessionFailure& failure, const HostTls& tls,
                           ReplyReader& reader, std::string host) {
  if (failure.tls != TlsFailure::kNone) {
    // What the peer said is worth more than our words for it; what policy found has its own.
    const bool found = policy::kind(failure.tls) == policy::TlsFailureKind::kPolicy;
    Trouble trouble =
        trouble_of_tls(failure.tls, tls, std::move(host), found ? std::string() : failure.words);
    trouble.stage = failure.stage;
    return trouble;
  }
  Trouble trouble;
  trouble.stage = failure.stage;
  trouble.host = std::move(host);
  trouble.local_network = failure.local_network;
  if (failure.reply.temporary() || failure.reply.permanent()) {
    trouble.reply = failure.reply;
    trouble.status = status_of(failure.reply);
    // Before MAIL a host speaks of us and of itself, not of a message: a 5xx there is a reason to
    // try the next host and to come back later, as Postfix has it. Only 521 says "never any mail"
    // (RFC 7504 §3).
    trouble.permanent = failure.reply.code == kNoMailHere;
    return as_meant(std::move(trouble), reader.read(failure.reply, failure.stage));
  }
  trouble.retry_class = RetryClass::kConnect;
  trouble.status = trouble.reply.enhanced = status_of_failure(failure);
  trouble.reply.text = failure.words;
  return trouble;
}

bool host_trouble(const smtp::RecipientOutcome& outcome, ReplyReader& reader) {
  if (outcome.verdict != smtp::Verdict::kTemporary || !outcome.reply.temporary()) return false;
  using Fate = policy::RefusalMeaning::Fate;
  if (reader.read(outcome.reply, outcome.stage).fate == Fate::kBounce) return false;
  // At RCPT a host speaks of the recipient, and of how many it takes at a time.
  if (outcome.stage == Stage::kRcpt) return false;
  const EnhancedCode status = status_of(outcome.reply);
  // RFC 3463 §3.4 mail system, §3.5 network. 452 is "insufficient system storage" (RFC 5321
  // §4.2.3).
  if (status.subject == 0) return outcome.reply.code == 452;
  return status.subject == 3 || status.subject == 4;
}

bool wants_tls(const smtp::RecipientOutcome& outcome) {
  if (outcome.stage != Stage::kMail && outcome.stage != Stage::kRcpt) return false;
  if (!outcome.reply.permanent()) return false;
  const EnhancedCode status = status_of(outcome.reply);
  return outcome.reply.code == kMustStartTls ||
         (status.subject == 7 && (status.detail == 0 || status.detail == 10));
}

Trouble trouble_of_missing_tls(TlsFailure failure, const smtp::RecipientOutcome& outcome,
                               std::string host) {
  Trouble trouble;
  trouble.retry_class = RetryClass::kTls;
  trouble.stage = outcome.stage;
  trouble.status = status_of_tls(failure, 4);
  trouble.reply = outcome.reply;
  trouble.tls = failure;
  trouble.host = std::move(host);
  return trouble;
}

Trouble trouble_of_outcome(const smtp::RecipientOutcome& outcome, ReplyReader& reader,
                           std::string host) {
  CHECK(outcome.verdict != smtp::Verdict::kDelivered);
  Trouble trouble;
  trouble.permanent = outcome.verdict == smtp::Verdict::kPermanent;
  trouble.stage = outcome.stage;
  trouble.reply = outcome.reply;
  trouble.host = std::move(host);
  const bool broken =
      outcome.verdict == smtp::Verdict::kUntried || outcome.verdict == smtp::Verdict::kMaybe;
  if (broken) {
    trouble.retry_class = RetryClass::kConnect;
    trouble.status = trouble.reply.enhanced = {4, 4, 2};
    if (outcome.reply.text.empty()) {
      trouble.reply.text = fmt::format("connection lost while {}", smtp::words(outcome.stage));
    }
    return trouble;
  }
  if (outcome.reply.code != 0) {
    trouble.status = status_of(outcome.reply);
  } else {
    if (outcome.reply.enhanced.cls == 0) {
      trouble.reply.enhanced = {static_cast<std::uint8_t>(trouble.permanent ? 5 : 4), 3, 0};
    }
    trouble.status = trouble.reply.enhanced;
  }
  trouble.of_host = host_trouble(outcome, reader);
  return as_meant(std::move(trouble), reader.read(outcome.reply, outcome.stage));
}

}  // namespace posthaste::delivery
