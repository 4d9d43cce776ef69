#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>

#include "config/bind.h"
#include "config/nearest.h"
#include "config/values.h"

namespace posthaste::config {
namespace {

using policy::OnTlsFailure;
using policy::TlsConnect;
using policy::TlsLevel;
using policy::TlsVersion;

constexpr std::array kLevels{TlsLevel::kNone, TlsLevel::kMay, TlsLevel::kEncrypt};
constexpr std::array kConnects{TlsConnect::kStartTls, TlsConnect::kImplicit};
constexpr std::array kFallbacks{OnTlsFailure::kPlaintext, OnTlsFailure::kDefer,
                                OnTlsFailure::kBounce};
constexpr std::array kVersions{TlsVersion::kTls10, TlsVersion::kTls11, TlsVersion::kTls12,
                               TlsVersion::kTls13};

constexpr std::size_t kAncestorsMax = 20;
constexpr std::string_view kDefaultOrigin = "tls.default";

using NamedProfiles = std::map<std::string_view, const Section*>;

void no_such_profile(const Node& node, const NamedProfiles& known, Findings& findings) {
  std::vector<std::string_view> names{"modern"};
  for (const auto& [name, section] : known) names.push_back(name);
  std::string words = fmt::format("no profile is named {}", quoted(node.text));
  if (const auto meant = nearest(node.text, names))
    words += fmt::format("; did you mean \"{}\"?", *meant);
  findings.error(node, std::move(words));
}

// The sections that make up a profile, the profile itself first; the built-in profile is what the
// last one inherits.
std::vector<const Section*> ancestry(std::string_view name, const NamedProfiles& known,
                                     Findings& findings) {
  std::vector<const Section*> sections;
  for (auto found = known.find(name); found != known.end();) {
    sections.push_back(found->second);
    const Node* inherit = found->second->given("inherit");
    // `modern` inherits the built-in profile of that name.
    if (inherit == nullptr && found->first == "modern") break;
    const std::string_view parent = inherit == nullptr ? "modern" : std::string_view(inherit->text);
    if (inherit != nullptr && sections.size() > kAncestorsMax) {
      findings.error(*inherit,
                     fmt::format("profile \"{}\" inherits itself, or more than {} profiles", name,
                                 kAncestorsMax));
      break;
    }
    found = known.find(parent);
    if (found == known.end() && parent != "modern") no_such_profile(*inherit, known, findings);
  }
  return sections;
}

void lay_over(policy::TlsProfile& profile, const Section& section) {
  const auto joined = [&](std::string_view key, std::string& into) {
    const auto texts =
        section.given(key) != nullptr ? section.texts(key) : std::vector<std::string>();
    if (!texts.empty()) into = fmt::format("{}", fmt::join(texts, ":"));
  };
  const auto version = [&](std::string_view key, TlsVersion& into) {
    into = parse_choice(section.text(key).value_or(""), kVersions).value_or(into);
  };
  version("min_version", profile.min_version);
  version("max_version", profile.max_version);
  joined("ciphers", profile.ciphers);
  joined("ciphersuites", profile.ciphersuites);
  joined("groups", profile.groups);
  joined("signature_algorithms", profile.signature_algorithms);
  if (const auto level = parse_count(section.text("security_level").value_or(""))) {
    profile.security_level = static_cast<int>(*level);
  }
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

// Only what is written: the built-in values lie beneath, and must be told apart from it.
policy::TlsOverlay bind_overlay(const Section& in) {
  policy::TlsOverlay overlay;
  overlay.level = parse_choice(in.given_text("level").value_or(""), kLevels);
  overlay.connect = parse_choice(in.given_text("connect").value_or(""), kConnects);
  if (const auto port = parse_count(in.given_text("port").value_or("")))
    overlay.port = static_cast<std::uint16_t>(*port);
  overlay.profile = in.given_text("profile");
  overlay.not_offered =
      parse_choice(in.given_text("fallback.not_offered").value_or(""), kFallbacks);
  overlay.refused = parse_choice(in.given_text("fallback.refused").value_or(""), kFallbacks);
  overlay.handshake = parse_choice(in.given_text("fallback.handshake").value_or(""), kFallbacks);
  return overlay;
}

// The overlays with the sections that they come from: the default first, then the rules.
struct Sources {
  std::vector<Section> sections;
  std::vector<const policy::TlsOverlay*> overlays;
};

void check_profile_name(const Section& section, const Tls& tls, const NamedProfiles& known,
                        Findings& findings) {
  const Node* given = section.given("profile");
  if (given != nullptr && tls.profile(given->text) == nullptr)
    no_such_profile(*given, known, findings);
}

// Implicit TLS towards port 25 can only hang, and without TLS it is nothing.
void check_connect(const Sources& from, Findings& findings) {
  const bool has_port = std::any_of(from.overlays.begin(), from.overlays.end(),
                                    [](const auto* overlay) { return overlay->port.has_value(); });
  for (std::size_t i = 0; i < from.overlays.size(); ++i) {
    const policy::TlsOverlay& overlay = *from.overlays[i];
    const Node* connect = from.sections[i].given("connect");
    if (connect == nullptr || overlay.connect != TlsConnect::kImplicit) continue;
    if (!has_port)
      findings.error(*connect, "implicit TLS needs a port of its own; for example port: 465");
    if (overlay.level == TlsLevel::kNone) {
      findings.error(*connect,
                     "implicit TLS contradicts level: none; say starttls, or another level");
    }
  }
}

// What TlsPolicies::make says begins with the origin of the rule; the diagnostic has the place
// instead.
void tell_contradiction(std::string words, const Tls& tls, const Sources& from,
                        Findings& findings) {
  std::size_t which = 0;
  std::string origin(kDefaultOrigin);
  for (std::size_t i = 0; i < tls.rules.size(); ++i) {
    if (!words.starts_with(tls.rules[i].origin + ":")) continue;
    which = i + 1;
    origin = tls.rules[i].origin;
  }
  if (words.starts_with(origin + ": ")) words.erase(0, origin.size() + 2);
  const Section& section = from.sections[which];
  for (const std::string_view key :
       {"fallback.not_offered", "fallback.refused", "fallback.handshake"}) {
    const Node* node = section.given(key);
    if (node != nullptr && words.starts_with(std::string(key) + ":"))
      return findings.error(*node, std::move(words));
  }
  findings.error(section, std::move(words));
}

}  // namespace

const policy::TlsProfile* Tls::profile(std::string_view name) const {
  for (const policy::TlsProfile& candidate : profiles) {
    if (candidate.name == name) return &candidate;
  }
  return nullptr;
}

std::vector<policy::TlsProfile> bind_profiles(const Section& tls, Findings& findings) {
  const auto named = tls.named("profiles");
  NamedProfiles known;
  for (const auto& [entry, section] : named) known.emplace(entry->key, &section);

  std::vector<policy::TlsProfile> profiles;
  if (!known.contains("modern")) profiles.push_back(policy::modern_profile());
  for (const auto& [entry, section] : named) {
    policy::TlsProfile profile = policy::modern_profile();
    profile.name = entry->key;
    const std::vector<const Section*> sections = ancestry(entry->key, known, findings);
    for (auto layer = sections.rbegin(); layer != sections.rend(); ++layer)
      lay_over(profile, **layer);
    check_profile(profile, section, findings);
    profiles.push_back(std::move(profile));
  }
  return profiles;
}

Tls bind_tls(const Section& section, Findings& findings) {
  Tls tls;
  tls.profiles = bind_profiles(section, findings);
  Sources from{{section.section("default")}, {}};
  tls.defaults = bind_overlay(from.sections.front());
  for (const Section& rule : section.sections("domains")) {
    tls.rules.push_back(
        {bind_match(rule), bind_overlay(rule), fmt::format("{}:{}", findings.file(), rule.line)});
    from.sections.push_back(rule);
  }
  from.overlays.push_back(&tls.defaults);
  for (const policy::TlsRule& rule : tls.rules) from.overlays.push_back(&rule.overlay);

  const auto named = section.named("profiles");
  NamedProfiles known;
  for (const auto& [entry, profile] : named) known.emplace(entry->key, &profile);
  for (const Section& source : from.sections) check_profile_name(source, tls, known, findings);
  check_connect(from, findings);
  auto policies = policy::TlsPolicies::make(tls.defaults, std::string(kDefaultOrigin), tls.rules);
  if (policies) {
    tls.policies = std::move(*policies);
  } else {
    tell_contradiction(std::move(policies.error().words), tls, from, findings);
  }
  return tls;
}

}  // namespace posthaste::config
