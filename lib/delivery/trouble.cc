#include "lib/delivery/trouble.h"

#include <fmt/format.h>

#include <utility>

#include "lib/base/check.h"
#include "lib/base/ip.h"

namespace posthaste::delivery {
namespace {

constexpr int kNoMailHere = 521;

using policy::OnTlsFailure;
using policy::RetryClass;
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

// RFC 3463 §3.5: 4.4.1 no answer from host, 4.4.2 bad connection. §3.8: 7.4 security features not
// supported, 7.5 cryptographic failure.
EnhancedCode status_of_failure(const smtp::SessionFailure& failure, std::uint8_t cls) {
  if (failure.tls != policy::TlsFailure::kNone) {
    const auto kind = policy::kind(failure.tls);
    const bool lacking =
        kind == policy::TlsFailureKind::kNotOffered || kind == policy::TlsFailureKind::kRefused;
    return {cls, 7, static_cast<std::uint16_t>(lacking ? 4 : 5)};
  }
  return {cls, 4, static_cast<std::uint16_t>(failure.stage == Stage::kConnect ? 1 : 2)};
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

OnTlsFailure choice_for(policy::TlsFailure failure, const policy::TlsPolicy& policy) {
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
      !policy::encrypts(policy.level) && policy.connect == policy::TlsConnect::kStartTls;
  if (chosen == OnTlsFailure::kPlaintext && !plaintext_possible) return OnTlsFailure::kDefer;
  return chosen;
}

Trouble trouble_of_session(const smtp::SessionFailure& failure, const policy::TlsPolicy& policy,
                           std::string host) {
  Trouble trouble;
  trouble.stage = failure.stage;
  trouble.tls = failure.tls;
  trouble.host = std::move(host);
  trouble.local_network = failure.local_network;
  if (failure.tls != policy::TlsFailure::kNone) {
    trouble.permanent = choice_for(failure.tls, policy) == OnTlsFailure::kBounce;
    trouble.retry_class = RetryClass::kTls;
    trouble.status = status_of_failure(failure, trouble.permanent ? 5 : 4);
    trouble.reply.enhanced = trouble.status;
    trouble.reply.text = failure.words;
    return trouble;
  }
  if (failure.reply.temporary() || failure.reply.permanent()) {
    trouble.reply = failure.reply;
    trouble.status = status_of(failure.reply);
    // Before MAIL a host speaks of us and of itself, not of a message: a 5xx there is a reason to
    // try the next host and to come back later, as Postfix has it. Only 521 says "never any mail"
    // (RFC 7504 §3).
    trouble.permanent = failure.reply.code == kNoMailHere;
    trouble.retry_class =
        policy::classify_reply(failure.reply.code, trouble.status.subject, trouble.status.detail);
    return trouble;
  }
  trouble.retry_class = RetryClass::kConnect;
  trouble.status = trouble.reply.enhanced = status_of_failure(failure, 4);
  trouble.reply.text = failure.words;
  return trouble;
}

bool host_trouble(const smtp::RecipientOutcome& outcome) {
  if (outcome.verdict != smtp::Verdict::kTemporary || !outcome.reply.temporary()) return false;
  // At RCPT a host speaks of the recipient, and of how many it takes at a time.
  if (outcome.stage == Stage::kRcpt) return false;
  const EnhancedCode status = status_of(outcome.reply);
  // RFC 3463 §3.4 mail system, §3.5 network. 452 is "insufficient system storage" (RFC 5321
  // §4.2.3).
  if (status.subject == 0) return outcome.reply.code == 452;
  return status.subject == 3 || status.subject == 4;
}

Trouble trouble_of_outcome(const smtp::RecipientOutcome& outcome, std::string host) {
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
  trouble.of_host = host_trouble(outcome);
  trouble.retry_class =
      policy::classify_reply(outcome.reply.code, trouble.status.subject, trouble.status.detail);
  return trouble;
}

}  // namespace posthaste::delivery
