#include "lib/policy/tls_profile.h"

#include <algorithm>
#include <array>
#include <utility>

#include "lib/base/check.h"

namespace posthaste::policy {
namespace {

// After those of `modern`: what else has forward secrecy, then static RSA.
constexpr const char* kCompatCiphers =
    ":DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305"
    ":ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA384"
    ":ECDHE-RSA-AES256-SHA384:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA"
    ":ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:DHE-RSA-AES128-SHA256:DHE-RSA-AES256-SHA256"
    ":DHE-RSA-AES128-SHA:DHE-RSA-AES256-SHA:AES128-GCM-SHA256:AES256-GCM-SHA384"
    ":AES128-SHA256:AES256-SHA256:AES128-SHA:AES256-SHA";

const std::vector<TlsProfileRule>& built_in_rules() {
  static const std::vector<TlsProfileRule> kRules{
      {"modern", std::nullopt, {}},
      {"reduced", "modern", {.max_version = TlsVersion::kTls12}},
      {"compat",
       "modern",
       {.ciphers = modern_profile().ciphers + kCompatCiphers,
        .signature_algorithms = modern_profile().signature_algorithms + ":ECDSA+SHA1:RSA+SHA1",
        .security_level = 0}},
      {"antique", "compat", {.min_version = TlsVersion::kTls10}},
  };
  return kRules;
}

const TlsProfileRule* find(const std::vector<TlsProfileRule>& rules, std::string_view name) {
  const auto found = std::find_if(rules.begin(), rules.end(),
                                  [&](const TlsProfileRule& rule) { return rule.name == name; });
  return found == rules.end() ? nullptr : &*found;
}

void lay_over(TlsProfile& profile, const TlsProfileOverlay& overlay) {
  for_each_profile_field([&](auto field, auto given) {
    if (overlay.*given) profile.*field = *(overlay.*given);
  });
}

// What a profile is made of, from itself down to `modern`.
struct Ancestry {
  std::vector<const TlsProfileOverlay*> overlays;
  std::size_t unknown_after = 0;  // so many steps led to a name that nobody has; 0: none did
  bool circular = false;          // it came back to itself
};

Ancestry ancestry_of(const std::string& name, const std::vector<TlsProfileRule>& rules) {
  Ancestry ancestry;
  std::string_view at = name;
  const std::size_t steps_max = rules.size() + built_in_rules().size();
  for (std::size_t step = 0; step <= steps_max; ++step) {
    const TlsProfileRule* rule = find(rules, at);
    const TlsProfileRule* built_in = find(built_in_rules(), at);
    if (rule == nullptr && built_in == nullptr) {
      ancestry.unknown_after = step;
      return ancestry;
    }
    if (rule != nullptr) ancestry.overlays.push_back(&rule->overlay);
    if (rule != nullptr && rule->inherit && (built_in == nullptr || *rule->inherit != at)) {
      at = *rule->inherit;
    } else if (built_in != nullptr) {
      ancestry.overlays.push_back(&built_in->overlay);
      if (!built_in->inherit) return ancestry;
      at = *built_in->inherit;
    } else {
      at = modern_profile().name;
    }
    if (at == name) break;
  }
  ancestry.circular = at == name;
  return ancestry;
}

TlsProfile resolve(const std::string& name, const Ancestry& ancestry) {
  TlsProfile profile = modern_profile();
  for (auto overlay = ancestry.overlays.rbegin(); overlay != ancestry.overlays.rend(); ++overlay)
    lay_over(profile, **overlay);
  profile.name = name;
  return profile;
}

}  // namespace

std::string_view name(TlsVersion version) {
  constexpr std::array<std::string_view, 4> kNames{"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"};
  const auto index = static_cast<std::size_t>(version);
  CHECK(index < kNames.size());
  return kNames[index];
}

const TlsProfile& modern_profile() {
  static const TlsProfile kModern{
      .name = "modern",
      .min_version = TlsVersion::kTls12,
      .max_version = TlsVersion::kTls13,
      .ciphers =
          "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
          "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
          "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305",
      .ciphersuites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256",
      .groups = "X25519:P-256:P-384",
      .signature_algorithms =
          "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:RSA-PSS+SHA256:"
          "RSA-PSS+SHA384:RSA-PSS+SHA512:RSA+SHA256:RSA+SHA384:RSA+SHA512",
      .security_level = 1,
  };
  return kModern;
}

const std::vector<TlsProfile>& built_in_profiles() {
  static const std::vector<TlsProfile> kProfiles = [] {
    std::vector<TlsProfileTrouble> none;
    return resolve_profiles({}, none);
  }();
  return kProfiles;
}

std::vector<TlsProfile> resolve_profiles(const std::vector<TlsProfileRule>& rules,
                                         std::vector<TlsProfileTrouble>& troubles) {
  std::vector<TlsProfile> profiles;
  for (const TlsProfileRule& rule : built_in_rules())
    profiles.push_back(resolve(rule.name, ancestry_of(rule.name, rules)));
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const Ancestry ancestry = ancestry_of(rules[i].name, rules);
    // Each told once, at the profile whose word it is.
    if (ancestry.circular || ancestry.unknown_after == 1)
      troubles.push_back({i, ancestry.unknown_after == 1});
    if (find(built_in_rules(), rules[i].name) == nullptr)
      profiles.push_back(resolve(rules[i].name, ancestry));
  }
  return profiles;
}

}  // namespace posthaste::policy
