// TlsProfile: what we offer in a handshake, towards hosts and to clients alike.
//
// A profile inherits field by field, never by replacement; every field ends up on the OpenSSL
// context explicitly, so that no default of the library's is ever meant.
//
// Threads      immutable once made.
// Does not     know OpenSSL: whether it takes the names in here, lib/tls finds out at start.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::policy {

enum class TlsVersion : std::uint8_t { kTls10, kTls11, kTls12, kTls13 };
std::string_view name(TlsVersion version);  // "TLSv1", "TLSv1.3"

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

// Only the fields that a profile sets itself.
struct TlsProfileOverlay {
  std::optional<TlsVersion> min_version = std::nullopt;
  std::optional<TlsVersion> max_version = std::nullopt;
  std::optional<std::string> ciphers = std::nullopt;
  std::optional<std::string> ciphersuites = std::nullopt;
  std::optional<std::string> groups = std::nullopt;
  std::optional<std::string> signature_algorithms = std::nullopt;
  std::optional<int> security_level = std::nullopt;
  friend bool operator==(const TlsProfileOverlay&, const TlsProfileOverlay&) = default;
};

// Calls visit(field of TlsProfile, field of TlsProfileOverlay) for each but the name.
template <typename Visit>
void for_each_profile_field(Visit&& visit) {
  visit(&TlsProfile::min_version, &TlsProfileOverlay::min_version);
  visit(&TlsProfile::max_version, &TlsProfileOverlay::max_version);
  visit(&TlsProfile::ciphers, &TlsProfileOverlay::ciphers);
  visit(&TlsProfile::ciphersuites, &TlsProfileOverlay::ciphersuites);
  visit(&TlsProfile::groups, &TlsProfileOverlay::groups);
  visit(&TlsProfile::signature_algorithms, &TlsProfileOverlay::signature_algorithms);
  visit(&TlsProfile::security_level, &TlsProfileOverlay::security_level);
}

// ECDHE with AEAD on TLS 1.2 and 1.3.
const TlsProfile& modern_profile();
// The built-in ones: modern; reduced (a smaller hello: TLS 1.2 at most); compat (adds CBC, DHE and
// static RSA: no forward secrecy, always logged); antique (compat from TLS 1.0; never part of a
// default). The last three inherit, so that what is changed in `modern` holds for them as well.
const std::vector<TlsProfile>& built_in_profiles();

// A profile as the operator writes it. One with the name of a built-in profile changes that one.
struct TlsProfileRule {
  std::string name;
  std::optional<std::string> inherit;  // not set: the built-in one of that name, else modern
  TlsProfileOverlay overlay;
};
struct TlsProfileTrouble {
  std::size_t rule = 0;
  bool unknown = false;  // `inherit` names no profile; else the profile inherits itself
};
// All profiles, the built-in ones first; of use only where no trouble was found.
std::vector<TlsProfile> resolve_profiles(const std::vector<TlsProfileRule>& rules,
                                         std::vector<TlsProfileTrouble>& troubles);

}  // namespace posthaste::policy
