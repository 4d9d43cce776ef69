#include "daemon/tls_result.h"

#include <utility>

#include "lib/tls/classify.h"

namespace posthaste::daemon {
namespace {

using policy::TlsEvidence;
using policy::TlsFailure;
using report::TlsPolicyType;
using report::TlsReportedPolicy;
using report::TlsResult;

TlsReportedPolicy sts_policy(const policy::StsPolicy* sts) {
  TlsReportedPolicy told;
  told.type = TlsPolicyType::kSts;
  if (sts == nullptr) return told;
  told.strings = sts_policy_lines(*sts);
  told.mx_hosts = sts->mx;
  return told;
}

// By which of a domain's policies the host was measured: DANE comes first (RFC 8461 §2).
TlsReportedPolicy policy_of(const TlsEvidence& evidence, const policy::StsPolicy* sts) {
  TlsReportedPolicy told;
  if (evidence.dane == TlsEvidence::Dane::kUsable ||
      evidence.dane == TlsEvidence::Dane::kUnusable) {
    told.type = TlsPolicyType::kTlsa;
    for (const auto& record : evidence.records) told.strings.push_back(render(record));
  } else if (evidence.sts != TlsEvidence::Sts::kNone) {
    told = sts_policy(sts);
  }
  return told;
}

// What a session that is up still lacks: all of it may be well by our policy, and the domain wants
// to know what its own would have said (RFC 8461 §5: `testing`).
TlsFailure shortcoming(const TlsEvidence& evidence, const policy::TlsFacts& facts) {
  const bool by_dane =
      evidence.dane == TlsEvidence::Dane::kUsable || evidence.dane == TlsEvidence::Dane::kUnusable;
  if (by_dane || evidence.sts != TlsEvidence::Sts::kTesting) return TlsFailure::kNone;
  if (!evidence.sts_names_host) return TlsFailure::kStsMxMismatch;
  if (facts.verified) return TlsFailure::kNone;
  return facts.certificate_present ? tls::failure_of_verify_code(facts.verify_code)
                                   : TlsFailure::kCertUntrusted;
}

// An address literal publishes nothing.
bool can_publish(const RoutingDomain& domain) { return !domain.text().starts_with('['); }

bool set_failure(TlsResult& result, TlsFailure failure) {
  result.failure.result_type = tlsrpt_result_type(failure);
  result.failure.reason_code = label(failure);
  return !result.failure.result_type.empty();
}

}  // namespace

std::optional<TlsResult> tls_result_of(const delivery::Connect& call, const policy::StsPolicy* sts,
                                       const TlsOutcome& outcome) {
  if (call.tls_wish == mail::TlsWish::kOptional || call.tls == smtp::TlsNeed::kNever ||
      !can_publish(call.domain)) {
    return std::nullopt;
  }
  TlsResult result;
  result.domain = call.domain.text();
  result.policy = policy_of(*call.evidence, sts);
  const TlsFailure failure = outcome.tls && outcome.failure == TlsFailure::kNone
                                 ? shortcoming(*call.evidence, *outcome.tls)
                                 : outcome.failure;
  result.success = failure == TlsFailure::kNone;
  if (result.success) return result;
  if (!set_failure(result, failure)) return std::nullopt;
  result.failure.sending_address = render_ip(outcome.from);
  result.failure.receiving_host = call.host.text();
  result.failure.receiving_address = render_ip(call.endpoint.address);
  return result;
}

std::optional<TlsResult> tls_result_of(const delivery::TlsBarred& barred,
                                       const policy::StsPolicy* sts) {
  if (!can_publish(barred.domain)) return std::nullopt;
  TlsResult result;
  result.domain = barred.domain.text();
  if (!set_failure(result, barred.failure)) return std::nullopt;
  result.failure.receiving_host = barred.host.text();
  if (barred.failure == TlsFailure::kStsMxMismatch) {
    result.policy = sts_policy(sts);
  } else {
    result.policy.type = TlsPolicyType::kTlsa;
  }
  return result;
}

TlsResult tls_result_of(const RoutingDomain& domain, policy::sts::Problem problem,
                        const policy::StsPolicy* held) {
  TlsResult result;
  result.domain = domain.text();
  result.policy = sts_policy(held);
  result.failure.result_type = tlsrpt_result_type(problem);
  result.failure.reason_code = label(problem);
  return result;
}

}  // namespace posthaste::daemon
