#include "lib/policy/tls_policies.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "lib/policy/fingerprint.h"

namespace posthaste::policy {
namespace {

// The layers of one policy, from the weakest to the strongest: built-in, default, the rules that
// match the host, the rules that match the domain.
constexpr std::size_t kBuiltIn = 0;
constexpr std::size_t kDefault = 1;

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

// What a policy is asked for. Empty: what no rule matches.
struct Place {
  std::string domain;
  std::string host;
};

// A policy that is being put together, and which layer set each of its fields last.
struct Draft {
  ExplainedTlsPolicy result;
  std::array<std::size_t, kTlsFields> layers{};

  Draft() {
    layers.fill(kBuiltIn);
    result.origins.fill("built-in");
  }

  void lay_over(const TlsOverlay& overlay, std::size_t layer, const std::string& origin) {
    for_each_tls_field([&](TlsField field, auto in_policy, auto in_overlay) {
      if (!(overlay.*in_overlay)) return;
      result.policy.*in_policy = *(overlay.*in_overlay);
      layers[at(field)] = layer;
      result.origins[at(field)] = origin;
    });
  }

  std::size_t layer_of(TlsField field) const { return layers[at(field)]; }
  const std::string& origin_of(TlsField field) const { return result.origins[at(field)]; }
  bool forbids_plaintext() const { return encrypts(result.policy.level); }

  // Somebody asked for plaintext in the layer that raised the level, or in one above it.
  bool contradicts(const Fallback& fallback) const {
    return forbids_plaintext() && result.policy.*fallback.in_policy == OnTlsFailure::kPlaintext &&
           layer_of(fallback.field) != kBuiltIn &&
           layer_of(fallback.field) >= layer_of(TlsField::kLevel);
  }

  // What a weaker level of an earlier layer left behind; and level none never begins with TLS.
  void settle() {
    TlsPolicy& policy = result.policy;
    const std::string& origin = origin_of(TlsField::kLevel);
    if (policy.level == TlsLevel::kNone && policy.connect == TlsConnect::kImplicit) {
      policy.connect = TlsConnect::kStartTls;
      result.origins[at(TlsField::kConnect)] = origin;
    }
    if (!forbids_plaintext()) return;
    for (const Fallback& fallback : kFallbacks) {
      OnTlsFailure& choice = policy.*fallback.in_policy;
      if (choice != OnTlsFailure::kPlaintext) continue;
      choice = OnTlsFailure::kDefer;
      result.origins[at(fallback.field)] = origin;
    }
  }
};

// All that a policy is made of.
struct Layers {
  const TlsOverlay& defaults;
  const std::string& default_origin;
  const std::vector<TlsRule>& rules;

  Draft draft_for(const Place& place) const {
    Draft draft;
    std::size_t layer = kDefault;
    draft.lay_over(defaults, layer, default_origin);
    for (const TlsRule& rule : rules) {
      ++layer;
      if (matches_any(rule.mx, place.host)) draft.lay_over(rule.overlay, layer, rule.origin);
    }
    for (const TlsRule& rule : rules) {
      ++layer;
      if (matches_any(rule.match, place.domain)) draft.lay_over(rule.overlay, layer, rule.origin);
    }
    return draft;
  }
  bool is_for_domains(std::size_t layer) const { return layer > kDefault + rules.size(); }
  bool is_for_hosts(std::size_t layer) const { return layer > kDefault && !is_for_domains(layer); }
};

// ---- what is wrong with one rule, whatever it is laid over

std::optional<std::string> trouble_in(const TlsOverlay& overlay) {
  if (overlay.ladder && overlay.ladder->empty()) return "ladder: it needs a profile at least";
  for (const std::string& text : overlay.fingerprints.value_or(std::vector<std::string>())) {
    if (const auto octets = parse_fingerprint(text); !octets)
      return "fingerprints: " + octets.error().words;
  }
  const std::string certificate = overlay.client_certificate.value_or("");
  const std::string key = overlay.client_private_key.value_or("");
  if (overlay.client_certificate.has_value() != overlay.client_private_key.has_value() ||
      certificate.empty() != key.empty()) {
    return overlay.client_certificate
               ? "client_certificate: it needs its client_private_key beside it"
               : "client_private_key: it needs its client_certificate beside it";
  }
  return std::nullopt;
}

// ---- what is wrong with what rules make together

Error invalid(const std::string& origin, TlsField field, const std::string& words) {
  return Error{ErrorCode::kInvalid, origin + ": " + std::string(name(field)) + ": " + words};
}

Error plaintext_forbidden(const Draft& draft, const Fallback& fallback) {
  const std::string& origin = draft.origin_of(fallback.field);
  const std::string& level_origin = draft.origin_of(TlsField::kLevel);
  std::string words =
      "plaintext contradicts level: " + std::string(name(draft.result.policy.level));
  if (level_origin != origin) words += " of " + level_origin;
  return invalid(origin, fallback.field, words + "; say defer or bounce, or level: may");
}

Error implicit_without_tls(const Draft& draft) {
  const bool level_later = draft.layer_of(TlsField::kLevel) > draft.layer_of(TlsField::kConnect);
  const TlsField later = level_later ? TlsField::kLevel : TlsField::kConnect;
  const std::string& other = draft.origin_of(level_later ? TlsField::kConnect : TlsField::kLevel);
  std::string words =
      level_later ? "none contradicts connect: implicit" : "implicit TLS contradicts level: none";
  if (other != draft.origin_of(later)) words += " of " + other;
  return invalid(draft.origin_of(later), later,
                 words + "; say connect: starttls, or another level");
}

std::optional<Error> trouble_in(const Draft& draft) {
  const TlsPolicy& policy = draft.result.policy;
  for (const Fallback& fallback : kFallbacks) {
    if (draft.contradicts(fallback)) return plaintext_forbidden(draft, fallback);
  }
  if (policy.level == TlsLevel::kNone && policy.connect == TlsConnect::kImplicit)
    return implicit_without_tls(draft);
  if (policy.level == TlsLevel::kFingerprint && policy.fingerprints.empty())
    return invalid(draft.origin_of(TlsField::kLevel), TlsField::kLevel,
                   "fingerprint needs fingerprints: of the public keys that are believed");
  return std::nullopt;
}

bool decides_on_plaintext(const TlsOverlay& overlay) {
  return overlay.level || overlay.connect || overlay.not_offered || overlay.refused ||
         overlay.handshake;
}
bool names_material(const TlsOverlay& overlay) {
  return overlay.ladder || overlay.ca_file || overlay.crl_file || overlay.client_certificate;
}

// A name that the pattern matches, and no narrower pattern does: no label has a NUL.
std::string specimen(const DomainPattern& pattern) {
  if (!pattern.text.starts_with("*.")) return pattern.text;
  return std::string(1, '\0') + pattern.text.substr(1);
}

// If any domain at all gets a contradiction, then so does one of these: the rule that set its level
// and the rule that contradicts it both match it, so the narrower of the two patterns is within the
// other; that one's specimen is matched by both, and by no rule that does not match the domain as
// well. The same holds of hosts.
std::vector<std::string> specimens(const std::vector<TlsRule>& rules,
                                   std::vector<DomainPattern> TlsRule::*patterns,
                                   bool (*has_a_say)(const TlsOverlay&)) {
  std::vector<std::string> names{""};
  for (const TlsRule& rule : rules) {
    if (!has_a_say(rule.overlay)) continue;
    for (const DomainPattern& pattern : rule.*patterns) names.push_back(specimen(pattern));
  }
  return names;
}

// Any host may serve any domain. A host's rule raises the level, a domain's rule lays plaintext
// over it: the two are looked for apart, as each is what it is whatever the other's name.
std::optional<Error> trouble_between(const Layers& layers, const std::vector<std::string>& domains,
                                     const std::vector<std::string>& hosts) {
  const auto raised = std::find_if(hosts.begin(), hosts.end(), [&](const std::string& host) {
    const Draft draft = layers.draft_for({"", host});
    return draft.forbids_plaintext() && layers.is_for_hosts(draft.layer_of(TlsField::kLevel));
  });
  if (raised == hosts.end()) return std::nullopt;
  for (const std::string& domain : domains) {
    const Draft draft = layers.draft_for({domain, *raised});
    for (const Fallback& fallback : kFallbacks) {
      if (draft.contradicts(fallback)) return plaintext_forbidden(draft, fallback);
    }
  }
  return std::nullopt;
}

std::optional<Error> trouble_in(const Layers& layers) {
  const auto domains = specimens(layers.rules, &TlsRule::match, decides_on_plaintext);
  const auto hosts = specimens(layers.rules, &TlsRule::mx, decides_on_plaintext);
  for (const std::string& domain : domains) {
    if (auto trouble = trouble_in(layers.draft_for({domain, ""}))) return trouble;
  }
  for (const std::string& host : hosts) {
    if (auto trouble = trouble_in(layers.draft_for({"", host}))) return trouble;
  }
  return trouble_between(layers, domains, hosts);
}

// ---- what policies are made of that has to be opened before it can be used

void lay_material(const TlsOverlay& overlay, TlsOverlay& onto) {
  if (overlay.ladder) onto.ladder = overlay.ladder;
  if (overlay.ca_file) onto.ca_file = overlay.ca_file;
  if (overlay.crl_file) onto.crl_file = overlay.crl_file;
  if (!overlay.client_certificate) return;
  onto.client_certificate = overlay.client_certificate;
  onto.client_private_key = overlay.client_private_key;
}

// What the rules of one kind come to, for whatever name; each once.
std::vector<TlsOverlay> material_of(const std::vector<TlsRule>& rules,
                                    std::vector<DomainPattern> TlsRule::*patterns) {
  std::vector<TlsOverlay> found;
  for (const std::string& name : specimens(rules, patterns, names_material)) {
    TlsOverlay sum;
    for (const TlsRule& rule : rules) {
      if (matches_any(rule.*patterns, name)) lay_material(rule.overlay, sum);
    }
    if (std::find(found.begin(), found.end(), sum) == found.end()) found.push_back(std::move(sum));
  }
  return found;
}

}  // namespace

Result<TlsPolicies> TlsPolicies::make(TlsOverlay defaults, std::string default_origin,
                                      std::vector<TlsRule> rules) {
  if (const auto trouble = trouble_in(defaults))
    return fail(ErrorCode::kInvalid, default_origin + ": " + *trouble);
  for (const TlsRule& rule : rules) {
    if (rule.match.empty() == rule.mx.empty())
      return fail(ErrorCode::kInvalid, rule.origin + ": match: a rule is for domains or for hosts");
    if (const auto trouble = trouble_in(rule.overlay))
      return fail(ErrorCode::kInvalid, rule.origin + ": " + *trouble);
  }
  if (auto trouble = trouble_in(Layers{defaults, default_origin, rules}))
    return tl::make_unexpected(std::move(*trouble));
  TlsPolicies policies;
  policies.defaults_ = std::move(defaults);
  policies.default_origin_ = std::move(default_origin);
  policies.rules_ = std::move(rules);
  return policies;
}

TlsPolicy TlsPolicies::policy_for(const RoutingDomain& domain, const MxName& host) const {
  return explain(domain, host).policy;
}

ExplainedTlsPolicy TlsPolicies::explain(const RoutingDomain& domain, const MxName& host) const {
  const Layers layers{defaults_, default_origin_, rules_};
  Draft draft = layers.draft_for({domain.text(), host.text()});
  draft.settle();
  return std::move(draft.result);
}

bool TlsPolicies::hosts_may_heed_sts() const {
  return std::any_of(rules_.begin(), rules_.end(), [](const TlsRule& rule) {
    return !rule.mx.empty() && (rule.overlay.mta_sts || rule.overlay.level);
  });
}

std::vector<TlsPolicy> TlsPolicies::materials() const {
  std::vector<TlsPolicy> found;
  const auto of_domains = material_of(rules_, &TlsRule::match);
  for (const TlsOverlay& of_host : material_of(rules_, &TlsRule::mx)) {
    for (const TlsOverlay& of_domain : of_domains) {
      TlsOverlay sum;
      lay_material(defaults_, sum);
      lay_material(of_host, sum);
      lay_material(of_domain, sum);
      Draft draft;
      draft.lay_over(sum, kDefault, default_origin_);
      TlsPolicy& policy = draft.result.policy;
      if (std::find(found.begin(), found.end(), policy) == found.end()) {
        found.push_back(std::move(policy));
      }
    }
  }
  return found;
}

}  // namespace posthaste::policy
