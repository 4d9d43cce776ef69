#include "lib/policy/tls_facts.h"

#include <array>
#include <cstddef>

#include "lib/base/check.h"

namespace posthaste::policy {
namespace {

struct Row {
  TlsFailure failure;
  TlsFailureKind kind;
  std::string_view label;
  std::string_view result_type;
};

constexpr std::string_view kNotSupported = "starttls-not-supported";
constexpr std::string_view kValidation = "validation-failure";
constexpr std::string_view kNotTrusted = "certificate-not-trusted";
constexpr std::string_view kExpired = "certificate-expired";
constexpr std::string_view kMismatch = "certificate-host-mismatch";

using F = TlsFailure;
using K = TlsFailureKind;

// RFC 8460 §4.3 has no type for most ways in which a handshake can fail: they are the general
// validation-failure.
constexpr std::array<Row, kTlsFailures> kRows{{
    {F::kNone, K::kLocal, "none", ""},
    {F::kNotOffered, K::kNotOffered, "not_offered", kNotSupported},
    {F::kRefusedTemporary, K::kRefused, "refused_temporary", kNotSupported},
    {F::kRefusedPermanent, K::kRefused, "refused_permanent", kNotSupported},
    {F::kPeerHandshakeFailure, K::kHandshake, "peer_handshake_failure", kValidation},
    {F::kProtocolVersion, K::kHandshake, "protocol_version", kValidation},
    {F::kNotTls, K::kHandshake, "not_tls", kValidation},
    {F::kWeakKeyExchange, K::kHandshake, "weak_key_exchange", kValidation},
    {F::kWeakSignature, K::kHandshake, "weak_signature", kValidation},
    {F::kLegacyRenegotiation, K::kHandshake, "legacy_renegotiation", kValidation},
    {F::kClosed, K::kHandshake, "closed", kValidation},
    {F::kReset, K::kHandshake, "reset", kValidation},
    {F::kTimeout, K::kHandshake, "timeout", kValidation},
    {F::kProtocolError, K::kHandshake, "protocol_error", kValidation},
    {F::kCertSelfSigned, K::kHandshake, "cert_self_signed", kNotTrusted},
    {F::kCertUntrusted, K::kHandshake, "cert_untrusted", kNotTrusted},
    {F::kCertExpired, K::kHandshake, "cert_expired", kExpired},
    {F::kCertNotYetValid, K::kHandshake, "cert_not_yet_valid", kExpired},
    {F::kCertHostMismatch, K::kHandshake, "cert_host_mismatch", kMismatch},
    {F::kCertWrongPurpose, K::kHandshake, "cert_wrong_purpose", kNotTrusted},
    {F::kCertRevoked, K::kHandshake, "cert_revoked", kNotTrusted},
    {F::kCertWeak, K::kHandshake, "cert_weak", kNotTrusted},
    {F::kDaneNoMatch, K::kHandshake, "dane_no_match", kValidation},
    {F::kClientCertRequired, K::kHandshake, "client_cert_required", kValidation},
    {F::kPeerRejectedOurCert, K::kHandshake, "peer_rejected_our_cert", kValidation},
    {F::kPeerInsufficientSecurity, K::kHandshake, "peer_insufficient_security", kValidation},
    {F::kPeerInternalError, K::kHandshake, "peer_internal_error", kValidation},
    {F::kPeerUnrecognizedName, K::kHandshake, "peer_unrecognized_name", kValidation},
    {F::kPeerAlertOther, K::kHandshake, "peer_alert_other", kValidation},
    {F::kLocalError, K::kLocal, "local_error", ""},
    {F::kDaneLookup, K::kPolicy, "dane_lookup", "dnssec-invalid"},
    {F::kDaneRequired, K::kPolicy, "dane_required", "dane-required"},
    {F::kStsMxMismatch, K::kPolicy, "sts_mx_mismatch", "validation-failure"},
    {F::kSuspectedStrip, K::kPolicy, "suspected_strip", kNotSupported},
    {F::kRequireTlsMissing, K::kPolicy, "requiretls_missing", ""},
    {F::kGuarded, K::kLocal, "guarded", ""},
}};

constexpr bool in_order() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<std::size_t>(kRows[i].failure) != i) return false;
  }
  return true;
}
static_assert(in_order(), "a row for every TlsFailure, in its order");

const Row& row(TlsFailure failure) {
  const auto index = static_cast<std::size_t>(failure);
  CHECK(index < kRows.size());
  return kRows[index];
}

}  // namespace

std::string_view name(TlsAuthentication authentication) {
  constexpr std::array<std::string_view, 4> kNames{"none", "pin", "pkix", "dane"};
  const auto index = static_cast<std::size_t>(authentication);
  CHECK(index < kNames.size());
  return kNames[index];
}

std::string_view label(TlsFailure failure) { return row(failure).label; }
std::optional<TlsFailure> parse_tls_failure(std::string_view text) {
  for (const Row& candidate : kRows) {
    if (candidate.label == text) return candidate.failure;
  }
  return std::nullopt;
}
std::string_view tlsrpt_result_type(TlsFailure failure) { return row(failure).result_type; }
TlsFailureKind kind(TlsFailure failure) { return row(failure).kind; }

}  // namespace posthaste::policy
