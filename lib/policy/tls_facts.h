// TlsFacts and TlsFailure: what a handshake showed, or why there was none. Made in lib/tls alone;
// read by log, Received header, metrics, trace and access rules alike.
//
// Does not     know OpenSSL, decide what follows from a failure. See tls_policy.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace posthaste::policy {

// A session that is up. "Verified" means that a certificate was there and it verified and the name
// matched.
struct TlsFacts {
  std::string version;  // "TLSv1.3"
  std::string cipher;   // "TLS_AES_256_GCM_SHA384"
  std::string group;    // "X25519"; empty where not known
  std::string profile;  // the profile that was offered
  bool resumed = false;
  bool forward_secret = true;
  bool certificate_present = false;
  bool verified = false;
  int verify_code = 0;  // X509_V_*; says nothing while certificate_present is false
  std::string subject;  // peer's certificate, one line; empty without one
  friend bool operator==(const TlsFacts&, const TlsFacts&) = default;
};

// Why there is no TLS session. One value per label of the failure table (docs/tls.md).
enum class TlsFailure : std::uint8_t {
  kNone,
  kNotOffered,
  kRefusedTemporary,
  kRefusedPermanent,
  kPeerHandshakeFailure,
  kProtocolVersion,
  kNotTls,
  kWeakKeyExchange,
  kWeakSignature,
  kLegacyRenegotiation,
  kClosed,
  kReset,
  kTimeout,
  kProtocolError,
  kCertSelfSigned,
  kCertUntrusted,
  kCertExpired,
  kCertNotYetValid,
  kCertHostMismatch,
  kCertWrongPurpose,
  kCertRevoked,
  kCertWeak,
  kDaneNoMatch,
  kClientCertRequired,
  kPeerRejectedOurCert,
  kPeerInsufficientSecurity,
  kPeerInternalError,
  kPeerUnrecognizedName,
  kPeerAlertOther,
  kLocalError,  // our own configuration or memory; never a reason for plaintext
};
inline constexpr int kTlsFailures = static_cast<int>(TlsFailure::kLocalError) + 1;

std::string_view label(TlsFailure failure);               // "peer_handshake_failure"; kNone: "none"
std::string_view tlsrpt_result_type(TlsFailure failure);  // RFC 8460 §4.3; empty where it has none

// What the fallback rules distinguish.
enum class TlsFailureKind : std::uint8_t { kNotOffered, kRefused, kHandshake, kLocal };
TlsFailureKind kind(TlsFailure failure);

}  // namespace posthaste::policy
