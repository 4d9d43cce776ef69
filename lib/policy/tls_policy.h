// TlsPolicy: what the operator has decided about TLS for one destination, in full.
//
// Threads      immutable once made.
// Does not     choose between rules (tls_policies.h), know what others ask for (tls_demand.h),
//              connect or verify (lib/tls).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/time.h"
#include "lib/policy/tls_profile.h"

namespace posthaste::policy {

// Postfix's names and meaning. Ordered: a later level asks for more of a host that publishes
// nothing. `dane` is `may` until a host publishes TLSA records.
enum class TlsLevel : std::uint8_t {
  kNone,
  kMay,
  kDane,
  kEncrypt,
  kDaneOnly,
  kFingerprint,
  kVerify,
  kSecure
};
inline constexpr std::size_t kTlsLevels = 8;
// True for the levels that never let mail go in plaintext: `encrypt` and what asks for more.
constexpr bool encrypts(TlsLevel level) { return level >= TlsLevel::kEncrypt; }
enum class TlsConnect : std::uint8_t { kStartTls, kImplicit };
// What to do when the level cannot be had from any host. Plaintext only where !encrypts(level).
enum class OnTlsFailure : std::uint8_t { kPlaintext, kDefer, kBounce };
// What a stapled OCSP response counts for, where certificates are verified by a chain.
enum class OcspStapling : std::uint8_t { kIgnore, kCheck, kRequire };

std::string_view name(TlsLevel level);
std::string_view name(TlsConnect connect);
std::string_view name(OnTlsFailure choice);
std::string_view name(OcspStapling choice);  // "ignore", "check", "require"

// Its defaults are the built-in policy.
struct TlsPolicy {
  TlsLevel level = TlsLevel::kMay;
  TlsConnect connect = TlsConnect::kStartTls;
  std::uint16_t port = 0;                                          // 0: delivery.port
  std::vector<std::string> ladder{"modern", "reduced", "compat"};  // profiles; never empty
  OnTlsFailure not_offered = OnTlsFailure::kPlaintext;
  OnTlsFailure refused = OnTlsFailure::kPlaintext;
  OnTlsFailure handshake = OnTlsFailure::kPlaintext;
  // A failed handshake opens the way to plaintext only for mail that has waited this long.
  Duration plaintext_after = std::chrono::minutes(10);
  bool dane = true;     // TLSA records are looked up and raise the level (levels up to `encrypt`)
  bool mta_sts = true;  // an MTA-STS policy raises the level
  Duration remember = std::chrono::hours(24);  // what was learned of a host; 0: nothing is kept
  bool strip_guard = true;  // a host that has shown verified TLS and offers none is not believed
  // verify, secure: names, or the words hostname, nexthop, dot-nexthop; empty: the level's default
  // (verify: hostname; secure: nexthop, dot-nexthop), as in Postfix.
  std::vector<std::string> match_names = {};
  std::vector<std::string> fingerprints = {};  // fingerprint: see fingerprint.h; one must match
  std::string ca_file = {};                    // PEM, absolute path; empty: the system's roots
  std::string crl_file = {};                   // PEM, absolute path; empty: none
  OcspStapling ocsp = OcspStapling::kCheck;
  std::string client_certificate = {};  // PEM, absolute path; empty: none is shown
  std::string client_private_key = {};
  friend bool operator==(const TlsPolicy&, const TlsPolicy&) = default;
};

}  // namespace posthaste::policy
