#include "lib/policy/tls_policy.h"

#include <algorithm>
#include <cstddef>

#include "lib/base/check.h"

namespace posthaste::policy {
namespace {

// In the order of their enumerators.
constexpr std::array<std::string_view, kTlsLevels> kLevels{
    "none", "may", "dane", "encrypt", "dane-only", "fingerprint", "verify", "secure"};
constexpr std::array<std::string_view, 3> kStaplings{"ignore", "check", "require"};
constexpr std::array<std::string_view, 2> kConnects{"starttls", "implicit"};
constexpr std::array<std::string_view, 3> kChoices{"plaintext", "defer", "bounce"};
constexpr std::array<std::string_view, 4> kVersions{"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"};
constexpr std::array<std::string_view, kTlsFields> kFields{"level",
                                                           "connect",
                                                           "port",
                                                           "profile",
                                                           "fallback.not_offered",
                                                           "fallback.refused",
                                                           "fallback.handshake"};

// After those of `modern`: what else has forward secrecy, then static RSA.
constexpr std::string_view kCompatCiphers =
    ":DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305"
    ":ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA384"
    ":ECDHE-RSA-AES256-SHA384:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA"
    ":ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:DHE-RSA-AES128-SHA256:DHE-RSA-AES256-SHA256"
    ":DHE-RSA-AES128-SHA:DHE-RSA-AES256-SHA:AES128-GCM-SHA256:AES256-GCM-SHA384"
    ":AES128-SHA256:AES256-SHA256:AES128-SHA:AES256-SHA";

template <std::size_t kCount, typename Enum>
std::string_view nth(const std::array<std::string_view, kCount>& names, Enum value) {
  const auto index = static_cast<std::size_t>(value);
  CHECK(index < kCount);
  return names[index];
}

// The layers of one domain, from the weakest to the strongest: built-in, default, the rules that
// match.
constexpr std::size_t kBuiltIn = 0;

constexpr std::size_t at(TlsField field) { return static_cast<std::size_t>(field); }

struct Fallback {
  TlsField field;
  OnTlsFailure TlsPolicy::*in_policy;
};
constexpr std::array<Fallback, 3> kFallbacks{{
    {TlsField::kNotOffered, &TlsPolicy::not_offered},
    {TlsField::kRefused, &TlsPolicy::refused},
    {TlsField::kHandshake, &TlsPolicy::handshake},
}};

// A policy that is being put together, and which layer set each of its fields last.
struct Draft {
  ExplainedTlsPolicy result;
  std::array<std::size_t, kTlsFields> layers{};

  Draft() {
    layers.fill(kBuiltIn);
    result.origins.fill("built-in");
  }

  template <typename Value>
  void set(TlsField field, Value& into, const std::optional<Value>& value, std::size_t layer,
           const std::string& origin) {
    if (!value) return;
    into = *value;
    layers[at(field)] = layer;
    result.origins[at(field)] = origin;
  }

  void lay_over(const TlsOverlay& overlay, std::size_t layer, const std::string& origin) {
    TlsPolicy& policy = result.policy;
    set(TlsField::kLevel, policy.level, overlay.level, layer, origin);
    set(TlsField::kConnect, policy.connect, overlay.connect, layer, origin);
    set(TlsField::kPort, policy.port, overlay.port, layer, origin);
    set(TlsField::kProfile, policy.profile, overlay.profile, layer, origin);
    set(TlsField::kNotOffered, policy.not_offered, overlay.not_offered, layer, origin);
    set(TlsField::kRefused, policy.refused, overlay.refused, layer, origin);
    set(TlsField::kHandshake, policy.handshake, overlay.handshake, layer, origin);
  }

  bool forbids_plaintext() const { return encrypts(result.policy.level); }

  // Somebody asked for plaintext in the layer that raised the level, or in one above it.
  bool contradicts(const Fallback& fallback) const {
    return forbids_plaintext() && result.policy.*fallback.in_policy == OnTlsFailure::kPlaintext &&
           layers[at(fallback.field)] != kBuiltIn &&
           layers[at(fallback.field)] >= layers[at(TlsField::kLevel)];
  }

  // What an earlier layer's weaker level left behind.
  void raise_fallbacks() {
    if (!forbids_plaintext()) return;
    for (const Fallback& fallback : kFallbacks) {
      OnTlsFailure& choice = result.policy.*fallback.in_policy;
      if (choice != OnTlsFailure::kPlaintext) continue;
      choice = OnTlsFailure::kDefer;
      result.origins[at(fallback.field)] = result.origins[at(TlsField::kLevel)];
    }
  }
};

Draft draft_for(std::string_view domain, const TlsOverlay& defaults,
                const std::string& default_origin, const std::vector<TlsRule>& rules) {
  Draft draft;
  std::size_t layer = kBuiltIn + 1;
  draft.lay_over(defaults, layer, default_origin);
  for (const TlsRule& rule : rules) {
    ++layer;
    if (matches_any(rule.match, domain)) draft.lay_over(rule.overlay, layer, rule.origin);
  }
  return draft;
}

bool could_contradict(const TlsOverlay& overlay) {
  const auto plaintext = [](const std::optional<OnTlsFailure>& choice) {
    return choice == OnTlsFailure::kPlaintext;
  };
  return encrypts(overlay.level.value_or(TlsLevel::kNone)) || plaintext(overlay.not_offered) ||
         plaintext(overlay.refused) || plaintext(overlay.handshake);
}

// A domain that the pattern matches, and no narrower pattern does: no label has a NUL.
std::string specimen(const DomainPattern& pattern) {
  if (!pattern.text.starts_with("*.")) return pattern.text;
  return std::string(1, '\0') + pattern.text.substr(1);
}

// If any domain at all gets a contradiction, then so does one of these: the rule that raised its
// level and the rule that asked for plaintext both match it, so the narrower of the two patterns is
// within the other; that one's specimen is matched by both, and by no rule that does not match the
// domain as well.
std::vector<std::string> specimens(const std::vector<TlsRule>& rules) {
  std::vector<std::string> domains{""};  // what no rule matches
  for (const TlsRule& rule : rules) {
    if (!could_contradict(rule.overlay)) continue;
    for (const DomainPattern& pattern : rule.match) domains.push_back(specimen(pattern));
  }
  return domains;
}

Error contradiction(const Draft& draft, const Fallback& fallback) {
  const std::string& plaintext_origin = draft.result.origins[at(fallback.field)];
  const std::string& level_origin = draft.result.origins[at(TlsField::kLevel)];
  std::string words =
      plaintext_origin + ": " + std::string(name(fallback.field)) +
      ": plaintext contradicts level: " + std::string(name(draft.result.policy.level));
  if (level_origin != plaintext_origin) words += " of " + level_origin;
  words += "; say defer or bounce, or level: may";
  return Error{ErrorCode::kInvalid, std::move(words)};
}

}  // namespace

std::string_view name(TlsLevel level) { return nth(kLevels, level); }
std::string_view name(TlsConnect connect) { return nth(kConnects, connect); }
std::string_view name(OnTlsFailure choice) { return nth(kChoices, choice); }
std::string_view name(TlsVersion version) { return nth(kVersions, version); }
std::string_view name(OcspStapling choice) { return nth(kStaplings, choice); }
std::string_view name(TlsField field) { return nth(kFields, field); }

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
    TlsProfile reduced = modern_profile();
    reduced.name = "reduced";
    reduced.max_version = TlsVersion::kTls12;
    TlsProfile compat = modern_profile();
    compat.name = "compat";
    compat.ciphers += kCompatCiphers;
    compat.groups += ":P-521";
    compat.signature_algorithms += ":ECDSA+SHA1:RSA+SHA1";
    compat.security_level = 0;
    TlsProfile antique = compat;
    antique.name = "antique";
    antique.min_version = TlsVersion::kTls10;
    return std::vector{modern_profile(), reduced, compat, antique};
  }();
  return kProfiles;
}

Result<TlsPolicies> TlsPolicies::make(TlsOverlay defaults, std::string default_origin,
                                      std::vector<TlsRule> rules) {
  for (const std::string& domain : specimens(rules)) {
    const Draft draft = draft_for(domain, defaults, default_origin, rules);
    for (const Fallback& fallback : kFallbacks) {
      if (draft.contradicts(fallback)) return tl::make_unexpected(contradiction(draft, fallback));
    }
  }
  TlsPolicies policies;
  policies.defaults_ = std::move(defaults);
  policies.default_origin_ = std::move(default_origin);
  policies.rules_ = std::move(rules);
  return policies;
}

TlsPolicy TlsPolicies::policy_for(const RoutingDomain& domain) const {
  return explain(domain).policy;
}

ExplainedTlsPolicy TlsPolicies::explain(const RoutingDomain& domain) const {
  Draft draft = draft_for(domain.text(), defaults_, default_origin_, rules_);
  draft.raise_fallbacks();
  return std::move(draft.result);
}

}  // namespace posthaste::policy
