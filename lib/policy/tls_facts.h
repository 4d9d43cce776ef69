// TlsFacts and TlsFailure: what a handshake showed, or why there was none. Made in lib/tls alone;
// read by log, Received header, metrics, trace and access rules alike.
//
// Does not     know OpenSSL, decide what follows from a failure. See tls_policy.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::policy {

// By what a peer has shown that it is whom it should be.
enum class TlsAuthentication : std::uint8_t {
  kNone,
  kPin,   // the public key is one of those that the operator named
  kPkix,  // a chain to a trusted root, and the name
  kDane,  // a TLSA record (RFC 6698)
};
std::string_view name(TlsAuthentication authentication);  // "none", "pin", "pkix", "dane"

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
  TlsAuthentication authenticated_by = TlsAuthentication::kNone;  // kNone while not verified
  int verify_code = 0;  // X509_V_*; says nothing while certificate_present is false
  std::string subject;  // peer's certificate, one line; empty without one
  std::string issuer;
  std::string fingerprint;         // of the peer's public key: "sha256:<hex of the SPKI's digest>"
  std::vector<std::string> names;  // DNS names in the certificate, folded; at most 100
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
  // ---- what policy found before or after a handshake that went well
  kDaneLookup,         // TLSA could not be looked up, or DNSSEC found it bogus
  kDaneRequired,       // level dane-only, and there is no usable TLSA record
  kStsMxMismatch,      // the host is not among those that the MTA-STS policy names
  kSuspectedStrip,     // the host has shown verified TLS, and now offers none
  kRequireTlsMissing,  // the message asks for REQUIRETLS, and the host cannot promise it
  kGuarded,            // the last guard before MAIL: never seen unless we have a bug
};
inline constexpr int kTlsFailures = static_cast<int>(TlsFailure::kGuarded) + 1;

std::string_view label(TlsFailure failure);  // "peer_handshake_failure"; kNone: "none"
std::optional<TlsFailure> parse_tls_failure(std::string_view label);  // nullopt: no such label
std::string_view tlsrpt_result_type(TlsFailure failure);  // RFC 8460 §4.3; empty where it has none

// What the fallback rules distinguish. kPolicy and kLocal never lead to plaintext.
enum class TlsFailureKind : std::uint8_t { kNotOffered, kRefused, kHandshake, kLocal, kPolicy };
TlsFailureKind kind(TlsFailure failure);

}  // namespace posthaste::policy
