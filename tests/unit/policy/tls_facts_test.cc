#include "lib/policy/tls_facts.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace posthaste::policy {
namespace {

struct Row {
  TlsFailure failure;
  std::string_view label;
  std::string_view result_type;
  TlsFailureKind kind;
};

using F = TlsFailure;
using K = TlsFailureKind;

// docs/tls.md: dashboards and reports are built on these words, so they never change.
constexpr Row kTable[] = {
    {F::kNone, "none", "", K::kLocal},
    {F::kNotOffered, "not_offered", "starttls-not-supported", K::kNotOffered},
    {F::kRefusedTemporary, "refused_temporary", "starttls-not-supported", K::kRefused},
    {F::kRefusedPermanent, "refused_permanent", "starttls-not-supported", K::kRefused},
    {F::kPeerHandshakeFailure, "peer_handshake_failure", "validation-failure", K::kHandshake},
    {F::kProtocolVersion, "protocol_version", "validation-failure", K::kHandshake},
    {F::kNotTls, "not_tls", "validation-failure", K::kHandshake},
    {F::kWeakKeyExchange, "weak_key_exchange", "validation-failure", K::kHandshake},
    {F::kWeakSignature, "weak_signature", "validation-failure", K::kHandshake},
    {F::kLegacyRenegotiation, "legacy_renegotiation", "validation-failure", K::kHandshake},
    {F::kClosed, "closed", "validation-failure", K::kHandshake},
    {F::kReset, "reset", "validation-failure", K::kHandshake},
    {F::kTimeout, "timeout", "validation-failure", K::kHandshake},
    {F::kProtocolError, "protocol_error", "validation-failure", K::kHandshake},
    {F::kCertSelfSigned, "cert_self_signed", "certificate-not-trusted", K::kHandshake},
    {F::kCertUntrusted, "cert_untrusted", "certificate-not-trusted", K::kHandshake},
    {F::kCertExpired, "cert_expired", "certificate-expired", K::kHandshake},
    {F::kCertNotYetValid, "cert_not_yet_valid", "certificate-expired", K::kHandshake},
    {F::kCertHostMismatch, "cert_host_mismatch", "certificate-host-mismatch", K::kHandshake},
    {F::kCertWrongPurpose, "cert_wrong_purpose", "certificate-not-trusted", K::kHandshake},
    {F::kCertRevoked, "cert_revoked", "certificate-not-trusted", K::kHandshake},
    {F::kCertWeak, "cert_weak", "certificate-not-trusted", K::kHandshake},
    {F::kDaneNoMatch, "dane_no_match", "validation-failure", K::kHandshake},
    {F::kClientCertRequired, "client_cert_required", "validation-failure", K::kHandshake},
    {F::kPeerRejectedOurCert, "peer_rejected_our_cert", "validation-failure", K::kHandshake},
    {F::kPeerInsufficientSecurity, "peer_insufficient_security", "validation-failure",
     K::kHandshake},
    {F::kPeerInternalError, "peer_internal_error", "validation-failure", K::kHandshake},
    {F::kPeerUnrecognizedName, "peer_unrecognized_name", "validation-failure", K::kHandshake},
    {F::kPeerAlertOther, "peer_alert_other", "validation-failure", K::kHandshake},
    {F::kLocalError, "local_error", "", K::kLocal},
    {F::kDaneLookup, "dane_lookup", "dnssec-invalid", K::kPolicy},
    {F::kDaneRequired, "dane_required", "dane-required", K::kPolicy},
    {F::kStsMxMismatch, "sts_mx_mismatch", "validation-failure", K::kPolicy},
    {F::kSuspectedStrip, "suspected_strip", "starttls-not-supported", K::kPolicy},
    {F::kRequireTlsMissing, "requiretls_missing", "", K::kPolicy},
    {F::kGuarded, "guarded", "", K::kLocal},
};
static_assert(std::size(kTable) == kTlsFailures);

TEST(TlsFacts, EveryFailureHasTheWordsOfTheTable) {
  for (const Row& row : kTable) {
    EXPECT_EQ(label(row.failure), row.label);
    EXPECT_EQ(tlsrpt_result_type(row.failure), row.result_type) << row.label;
    EXPECT_EQ(kind(row.failure), row.kind) << row.label;
  }
}

TEST(TlsFacts, NoTwoFailuresShareALabel) {
  std::set<std::string_view> labels;
  for (int i = 0; i < kTlsFailures; ++i) labels.insert(label(static_cast<TlsFailure>(i)));
  EXPECT_EQ(labels.size(), static_cast<std::size_t>(kTlsFailures));
}

TEST(TlsFacts, ALabelIsReadBackAndNothingElseIs) {
  for (const Row& row : kTable) EXPECT_EQ(parse_tls_failure(row.label), row.failure);
  for (const char* text : {"", "Timeout", "timeout ", "time"})
    EXPECT_EQ(parse_tls_failure(text), std::nullopt) << text;
}

}  // namespace
}  // namespace posthaste::policy
