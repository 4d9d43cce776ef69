// TlsPolicies: the operator's TLS rules, and the one policy that they make for a domain.
//
// Overlay: built-in < default < domain rules in the file's order, field by field onto a full
// struct; the origin of every field is kept, so that it can be explained.
//
// Threads      immutable once made.
// Does not     connect, verify, remember. See lib/tls for handshakes, lib/delivery for what
//              follows a failure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/names.h"
#include "lib/base/result.h"
#include "lib/base/time.h"
#include "lib/policy/domain_pattern.h"

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
// What to do when the level cannot be had from any host. Plaintext only with levels up to kMay.
enum class OnTlsFailure : std::uint8_t { kPlaintext, kDefer, kBounce };
// What a stapled OCSP response counts for, where certificates are verified by a chain.
enum class OcspStapling : std::uint8_t { kIgnore, kCheck, kRequire };
enum class TlsVersion : std::uint8_t { kTls10, kTls11, kTls12, kTls13 };

std::string_view name(TlsLevel level);
std::string_view name(TlsConnect connect);
std::string_view name(OnTlsFailure choice);
std::string_view name(TlsVersion version);
std::string_view name(OcspStapling choice);  // "ignore", "check", "require"

// What we offer in a handshake. Every field is always set explicitly on the OpenSSL context.
struct TlsProfile {
  std::string name;
  TlsVersion min_version;
  TlsVersion max_version;
  std::string ciphers;       // TLS 1.2 and before, OpenSSL's syntax
  std::string ciphersuites;  // TLS 1.3
  std::string groups;        // "X25519:P-256:P-384"
  std::string signature_algorithms;
  int security_level = 1;
  friend bool operator==(const TlsProfile&, const TlsProfile&) = default;
};

// ECDHE with AEAD on TLS 1.2 and 1.3.
const TlsProfile& modern_profile();
// The built-in ones: modern; reduced (a smaller hello: TLS 1.2 at most); compat (adds DHE and
// static RSA: no forward secrecy, always logged); antique (from TLS 1.0; never part of a default).
const std::vector<TlsProfile>& built_in_profiles();

// A full policy: what is decided for one domain.
struct TlsPolicy {
  TlsLevel level = TlsLevel::kMay;
  TlsConnect connect = TlsConnect::kStartTls;
  std::uint16_t port = 0;  // 0: delivery.port
  std::string profile = "modern";
  OnTlsFailure not_offered = OnTlsFailure::kPlaintext;
  OnTlsFailure refused = OnTlsFailure::kPlaintext;
  OnTlsFailure handshake = OnTlsFailure::kPlaintext;
  std::vector<std::string> ladder{"modern", "reduced", "compat"};  // profiles; never empty
  // A failed handshake opens the way to plaintext only for mail that has waited this long.
  Duration plaintext_after = std::chrono::minutes(10);
  bool dane = true;     // TLSA records are looked up and raise the level (levels up to `encrypt`)
  bool mta_sts = true;  // an MTA-STS policy raises the level
  Duration remember = std::chrono::hours(24);  // what was learned of a host; 0: nothing is kept
  bool strip_guard = true;  // a host that has shown verified TLS and offers none is not believed
  // verify, secure: names, or the words hostname, nexthop, dot-nexthop; empty: the level's default
  // (verify: hostname; secure: nexthop, dot-nexthop), as in Postfix.
  std::vector<std::string> match_names = {};
  std::vector<std::string> fingerprints =
      {};                     // fingerprint: "sha256:<hex>" of the SPKI; one must match
  std::string ca_file = {};   // PEM, absolute path; empty: the system's roots
  std::string crl_file = {};  // PEM, absolute path; empty: none
  OcspStapling ocsp = OcspStapling::kCheck;
  std::string client_certificate = {};  // PEM, absolute path; empty: none is shown
  std::string client_private_key = {};
  friend bool operator==(const TlsPolicy&, const TlsPolicy&) = default;
};

// The fields of TlsPolicy, for overlays and explanations.
enum class TlsField : std::uint8_t {
  kLevel,
  kConnect,
  kPort,
  kProfile,
  kNotOffered,
  kRefused,
  kHandshake
};
inline constexpr std::size_t kTlsFields = 7;
std::string_view name(TlsField field);

// A rule's body: only the fields that it sets.
struct TlsOverlay {
  std::optional<TlsLevel> level = std::nullopt;
  std::optional<TlsConnect> connect = std::nullopt;
  std::optional<std::uint16_t> port = std::nullopt;
  std::optional<std::string> profile = std::nullopt;
  std::optional<OnTlsFailure> not_offered = std::nullopt;
  std::optional<OnTlsFailure> refused = std::nullopt;
  std::optional<OnTlsFailure> handshake = std::nullopt;
  friend bool operator==(const TlsOverlay&, const TlsOverlay&) = default;
};

struct TlsRule {
  std::vector<DomainPattern> match;
  TlsOverlay overlay;
  std::string origin;  // where it stands: "posthaste.yaml:31"
};

struct ExplainedTlsPolicy {
  TlsPolicy policy;
  std::array<std::string, kTlsFields>
      origins;  // by TlsField: "built-in", "tls.default", "posthaste.yaml:31"
};

class TlsPolicies {
 public:
  TlsPolicies() = default;
  // A level above kMay raises fallbacks that were set before it (or by nobody) from plaintext to
  // defer: the default's plaintext is meant for the default's level. Plaintext asked for together
  // with such a level, or in a rule that is laid over it, is refused here. Error: kInvalid, with
  // the rule's origin.
  static Result<TlsPolicies> make(TlsOverlay defaults, std::string default_origin,
                                  std::vector<TlsRule> rules);
  // O(rules): ask once per destination, not once per message.
  TlsPolicy policy_for(const RoutingDomain& domain) const;
  ExplainedTlsPolicy explain(const RoutingDomain& domain) const;

 private:
  TlsOverlay defaults_;
  std::string default_origin_ = "built-in";
  std::vector<TlsRule> rules_;
};

}  // namespace posthaste::policy
