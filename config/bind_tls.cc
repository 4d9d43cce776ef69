#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "config/bind.h"
#include "config/values.h"
#include "lib/policy/fingerprint.h"

namespace posthaste::config {
namespace {

using policy::OcspStapling;
using policy::OnTlsFailure;
using policy::TlsConnect;
using policy::TlsField;
using policy::TlsLevel;

constexpr std::array kLevels{TlsLevel::kNone,    TlsLevel::kMay,      TlsLevel::kDane,
                             TlsLevel::kEncrypt, TlsLevel::kDaneOnly, TlsLevel::kFingerprint,
                             TlsLevel::kVerify,  TlsLevel::kSecure};
constexpr std::array kConnects{TlsConnect::kStartTls, TlsConnect::kImplicit};
constexpr std::array kFallbacks{OnTlsFailure::kPlaintext, OnTlsFailure::kDefer,
                                OnTlsFailure::kBounce};
constexpr std::array kStaplings{OcspStapling::kIgnore, OcspStapling::kCheck,
                                OcspStapling::kRequire};

constexpr std::string_view kDefaultOrigin = "tls.default";

// What is written in a section, and nothing else: the built-in values lie beneath, and must be told
// apart from it.
class Written {
 public:
  explicit Written(const Section& in) : in_(in) {}

  std::string text(std::string_view key) const { return in_.given_text(key).value_or(""); }
  std::optional<std::vector<std::string>> texts(std::string_view key) const {
    return in_.given(key) == nullptr ? std::nullopt : std::optional(in_.texts(key));
  }
  // `none` and `system` take back what an earlier rule has set.
  std::optional<std::string> path(std::string_view key) const {
    auto path = in_.given_text(key);
    if (path && !path->starts_with('/')) path->clear();
    return path;
  }

 private:
  const Section& in_;
};

// What is none has been told by validate(), and is a key that nobody has.
std::string canonical_fingerprint(const std::string& text) {
  return policy::render_fingerprint(
      policy::parse_fingerprint(text).value_or(std::string(32, '\0')));
}

policy::TlsOverlay bind_overlay(const Section& section) {
  const Written in(section);
  policy::TlsOverlay overlay;
  overlay.level = parse_choice(in.text("level"), kLevels);
  overlay.connect = parse_choice(in.text("connect"), kConnects);
  if (const auto port = parse_count(in.text("port")))
    overlay.port = static_cast<std::uint16_t>(*port);
  overlay.ladder = in.texts("ladder");
  if (overlay.ladder && overlay.ladder->empty()) overlay.ladder.reset();
  overlay.not_offered = parse_choice(in.text("fallback.not_offered"), kFallbacks);
  overlay.refused = parse_choice(in.text("fallback.refused"), kFallbacks);
  overlay.handshake = parse_choice(in.text("fallback.handshake"), kFallbacks);
  overlay.plaintext_after = parse_duration(in.text("plaintext_after"));
  overlay.dane = parse_flag(in.text("dane"));
  overlay.mta_sts = parse_flag(in.text("mta_sts"));
  overlay.remember = parse_duration(in.text("remember"));
  overlay.strip_guard = parse_flag(in.text("strip_guard"));
  overlay.match_names = in.texts("match_names");
  if (overlay.match_names) {
    for (std::string& name : *overlay.match_names) name = fold_domain(name);
  }
  overlay.fingerprints = in.texts("fingerprints");
  if (overlay.fingerprints) {
    for (std::string& text : *overlay.fingerprints) text = canonical_fingerprint(text);
  }
  overlay.ca_file = in.path("ca_file");
  overlay.crl_file = in.path("crl_file");
  overlay.ocsp = parse_choice(in.text("ocsp"), kStaplings);
  overlay.client_certificate = in.path("client_certificate");
  overlay.client_private_key = in.path("client_private_key");
  return overlay;
}

// The overlays with the sections that they come from: the default first, then the rules.
struct Sources {
  std::vector<Section> sections;
  std::vector<const policy::TlsOverlay*> overlays;
};

// A scalar, or the items of a list.
std::vector<const Node*> scalars(const Node* node) {
  std::vector<const Node*> nodes;
  if (node != nullptr && node->kind == Node::Kind::kScalar) nodes.push_back(node);
  if (node != nullptr) {
    for (const Node& item : node->items) nodes.push_back(&item);
  }
  return nodes;
}

// Implicit TLS towards port 25 can only hang.
void check_connect(const Sources& from, Findings& findings) {
  const bool has_port = std::any_of(from.overlays.begin(), from.overlays.end(),
                                    [](const auto* overlay) { return overlay->port.has_value(); });
  for (std::size_t i = 0; i < from.overlays.size() && !has_port; ++i) {
    const Node* connect = from.sections[i].given("connect");
    if (connect != nullptr && from.overlays[i]->connect == TlsConnect::kImplicit)
      findings.error(*connect, "implicit TLS needs a port of its own; for example port: 465");
  }
}

// Words that count for nothing next to the level beside them.
void check_idle_words(const Sources& from, Findings& findings) {
  for (std::size_t i = 0; i < from.overlays.size(); ++i) {
    const auto level = from.overlays[i]->level;
    if (!level) continue;
    const Node* pins = from.sections[i].given("fingerprints");
    if (pins != nullptr && level != TlsLevel::kFingerprint) {
      findings.warning(*pins, fmt::format("fingerprints count for nothing with level: {}; say "
                                          "level: fingerprint",
                                          name(*level)));
    }
    const Node* names = from.sections[i].given("match_names");
    if (names != nullptr && level != TlsLevel::kVerify && level != TlsLevel::kSecure) {
      findings.warning(*names, fmt::format("match_names count for nothing with level: {}; say "
                                           "level: secure or verify",
                                           name(*level)));
    }
  }
}

// What TlsPolicies::make says begins with the origin of the rule and the field; the diagnostic has
// the place instead of the origin.
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
  const std::string key = words.substr(0, words.find(':'));
  for (std::size_t i = 0; i < policy::kTlsFields; ++i) {
    if (name(static_cast<TlsField>(i)) != key) continue;
    if (const Node* node = section.given(key)) return findings.error(*node, std::move(words));
  }
  findings.error(section, std::move(words));
}

// Whom the rule is for. False, and told, where it does not say so, or says it twice.
bool bind_subject(const Section& section, policy::TlsRule& rule, Findings& findings) {
  const Node* match = section.given("match");
  const Node* mx = section.given("mx");
  if ((match == nullptr) == (mx == nullptr)) {
    const std::string_view words =
        mx == nullptr ? "\"match\" or \"mx\" is missing here; for example match: example.com"
                      : "\"match\" and \"mx\" in one rule; make two of it";
    findings.error(mx == nullptr ? section.line : mx->line,
                   mx == nullptr ? section.column : mx->column, std::string(words));
    return false;
  }
  rule.match = bind_patterns(section, "match");
  rule.mx = bind_patterns(section, "mx");
  return true;
}

// False where a rule is for nobody, or all.
bool bind_rules(const Section& section, Tls& tls, Sources& from, Findings& findings) {
  from.sections.push_back(section.section("default"));
  tls.defaults = bind_overlay(from.sections.front());
  bool right = true;
  for (const Section& item : section.sections("domains")) {
    policy::TlsRule rule;
    rule.origin = fmt::format("{}:{}", findings.file(), item.line);
    rule.overlay = bind_overlay(item);
    right = bind_subject(item, rule, findings) && right;
    tls.rules.push_back(std::move(rule));
    from.sections.push_back(item);
  }
  from.overlays.push_back(&tls.defaults);
  for (const policy::TlsRule& rule : tls.rules) from.overlays.push_back(&rule.overlay);
  return right;
}

TlsReport bind_report(const Section& in) {
  return {.enabled = parse_flag(in.text("enabled").value_or("")).value_or(false),
          .from = parse_mail_address(in.text("from").value_or("")).value_or(""),
          .contact = parse_mail_address(in.text("contact").value_or("")).value_or(""),
          .organization = in.text("organization").value_or("")};
}

}  // namespace

Tls bind_tls(const Section& section, Findings& findings) {
  Tls tls;
  tls.profiles = bind_profiles(section, findings);
  tls.mta_sts_ca_file = section.text("mta_sts_ca_file").value_or("");
  tls.report = bind_report(section.section("report"));
  Sources from;
  const bool all_have_a_subject = bind_rules(section, tls, from, findings);
  for (const Section& source : from.sections) {
    for (const Node* rung : scalars(source.given("ladder")))
      check_profile_name(*rung, tls.profiles, findings);
  }
  check_connect(from, findings);
  check_idle_words(from, findings);
  if (!all_have_a_subject) return tls;
  auto policies = policy::TlsPolicies::make(tls.defaults, std::string(kDefaultOrigin), tls.rules);
  if (policies) {
    tls.policies = std::move(*policies);
  } else {
    tell_contradiction(std::move(policies.error().words), tls, from, findings);
  }
  return tls;
}

}  // namespace posthaste::config
