#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "config/bind.h"
#include "config/nearest.h"
#include "config/values.h"

namespace posthaste::config {
namespace {

using policy::TlsVersion;

constexpr std::array kVersions{TlsVersion::kTls10, TlsVersion::kTls11, TlsVersion::kTls12,
                               TlsVersion::kTls13};

policy::TlsProfileOverlay bind_overlay(const Section& in) {
  const auto joined = [&](std::string_view key) {
    const auto texts = in.given(key) != nullptr ? in.texts(key) : std::vector<std::string>();
    return texts.empty() ? std::nullopt
                         : std::optional<std::string>(fmt::format("{}", fmt::join(texts, ":")));
  };
  policy::TlsProfileOverlay overlay;
  overlay.min_version = parse_choice(in.text("min_version").value_or(""), kVersions);
  overlay.max_version = parse_choice(in.text("max_version").value_or(""), kVersions);
  overlay.ciphers = joined("ciphers");
  overlay.ciphersuites = joined("ciphersuites");
  overlay.groups = joined("groups");
  overlay.signature_algorithms = joined("signature_algorithms");
  if (const auto level = parse_count(in.text("security_level").value_or("")))
    overlay.security_level = static_cast<int>(*level);
  return overlay;
}

void check_profile(const policy::TlsProfile& profile, const Section& section, Findings& findings) {
  if (profile.min_version > profile.max_version) {
    findings.error(
        section, fmt::format("profile \"{}\": min_version {} is above max_version {}", profile.name,
                             name(profile.min_version), name(profile.max_version)));
  }
  // OpenSSL 3 counts the SHA-1 signatures of these versions as level 0.
  if (profile.min_version < TlsVersion::kTls12 && profile.security_level > 0) {
    findings.warning(
        section,
        fmt::format("profile \"{}\": {} needs security_level 0, or OpenSSL will not speak it",
                    profile.name, name(profile.min_version)));
  }
}

}  // namespace

const policy::TlsProfile* Tls::profile(std::string_view name) const {
  for (const policy::TlsProfile& candidate : profiles) {
    if (candidate.name == name) return &candidate;
  }
  return nullptr;
}

void check_profile_name(const Node& node, const std::vector<policy::TlsProfile>& known,
                        Findings& findings) {
  std::vector<std::string_view> names;
  for (const policy::TlsProfile& profile : known) names.push_back(profile.name);
  if (std::find(names.begin(), names.end(), node.text) != names.end()) return;
  std::string words = fmt::format("no profile is named {}", quoted(node.text));
  if (const auto meant = nearest(node.text, names))
    words += fmt::format("; did you mean \"{}\"?", *meant);
  findings.error(node, std::move(words));
}

std::vector<policy::TlsProfile> bind_profiles(const Section& tls, Findings& findings) {
  const auto named = tls.named("profiles");
  std::vector<policy::TlsProfileRule> rules;
  for (const auto& [entry, section] : named)
    rules.push_back({entry->key, section.given_text("inherit"), bind_overlay(section)});

  std::vector<policy::TlsProfileTrouble> troubles;
  std::vector<policy::TlsProfile> profiles = policy::resolve_profiles(rules, troubles);
  for (const policy::TlsProfileTrouble& trouble : troubles) {
    const auto& [entry, section] = named[trouble.rule];
    const Node* inherit = section.given("inherit");
    if (trouble.unknown) {
      check_profile_name(*inherit, profiles, findings);
    } else {
      const std::string words = fmt::format("profile \"{}\" inherits itself", entry->key);
      inherit == nullptr ? findings.error(*entry, words) : findings.error(*inherit, words);
    }
  }
  if (!troubles.empty()) return profiles;
  for (const auto& [entry, section] : named) {
    for (const policy::TlsProfile& profile : profiles) {
      if (profile.name == entry->key) check_profile(profile, section, findings);
    }
  }
  return profiles;
}

}  // namespace posthaste::config
