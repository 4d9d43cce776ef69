#include "lib/policy/tls_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace posthaste::policy {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr unsigned bit(TlsField field) { return 1U << static_cast<unsigned>(field); }

std::size_t at(TlsField field) { return static_cast<std::size_t>(field); }

std::vector<DomainPattern> match(std::initializer_list<const char*> texts) {
  std::vector<DomainPattern> patterns;
  for (const char* text : texts) patterns.push_back(parse_domain_pattern(text).value());
  return patterns;
}

// Takes the fields of `values` whose bits are set.
TlsOverlay overlay_of(const TlsPolicy& values, unsigned bits) {
  TlsOverlay overlay;
  if (bits & bit(TlsField::kLevel)) overlay.level = values.level;
  if (bits & bit(TlsField::kConnect)) overlay.connect = values.connect;
  if (bits & bit(TlsField::kPort)) overlay.port = values.port;
  if (bits & bit(TlsField::kProfile)) overlay.profile = values.profile;
  if (bits & bit(TlsField::kNotOffered)) overlay.not_offered = values.not_offered;
  if (bits & bit(TlsField::kRefused)) overlay.refused = values.refused;
  if (bits & bit(TlsField::kHandshake)) overlay.handshake = values.handshake;
  return overlay;
}

// Takes the fields whose bits are set from `child`, all others from `parent`.
TlsPolicy mixed(const TlsPolicy& parent, const TlsPolicy& child, unsigned bits) {
  TlsPolicy policy = parent;
  if (bits & bit(TlsField::kLevel)) policy.level = child.level;
  if (bits & bit(TlsField::kConnect)) policy.connect = child.connect;
  if (bits & bit(TlsField::kPort)) policy.port = child.port;
  if (bits & bit(TlsField::kProfile)) policy.profile = child.profile;
  if (bits & bit(TlsField::kNotOffered)) policy.not_offered = child.not_offered;
  if (bits & bit(TlsField::kRefused)) policy.refused = child.refused;
  if (bits & bit(TlsField::kHandshake)) policy.handshake = child.handshake;
  return policy;
}

// Differ in every field, so that a field that leaks from one to the other shows.
TlsPolicy parent_values() {
  return {.level = TlsLevel::kMay,
          .connect = TlsConnect::kStartTls,
          .port = 2525,
          .profile = "parent",
          .not_offered = OnTlsFailure::kDefer,
          .refused = OnTlsFailure::kBounce,
          .handshake = OnTlsFailure::kDefer};
}

TlsPolicy child_values() {
  return {.level = TlsLevel::kEncrypt,
          .connect = TlsConnect::kImplicit,
          .port = 465,
          .profile = "child",
          .not_offered = OnTlsFailure::kBounce,
          .refused = OnTlsFailure::kDefer,
          .handshake = OnTlsFailure::kBounce};
}

constexpr unsigned kAll = (1U << kTlsFields) - 1;

TEST(TlsPolicies, EverySubsetOfOverriddenKeysLeavesAllOthersAtTheParentsValue) {
  const RoutingDomain domain("example.com");
  for (unsigned bits = 0; bits <= kAll; ++bits) {
    const auto policies = TlsPolicies::make(
        overlay_of(parent_values(), kAll), "tls.default",
        {{match({"example.com"}), overlay_of(child_values(), bits), "posthaste.yaml:31"}});
    ASSERT_TRUE(policies) << bits << ": " << policies.error().words;
    const ExplainedTlsPolicy explained = policies->explain(domain);
    EXPECT_EQ(explained.policy, mixed(parent_values(), child_values(), bits)) << bits;
    EXPECT_EQ(policies->policy_for(domain), explained.policy) << bits;
    for (std::size_t field = 0; field < kTlsFields; ++field) {
      EXPECT_EQ(explained.origins[field],
                bits & (1U << field) ? "posthaste.yaml:31" : "tls.default")
          << name(static_cast<TlsField>(field)) << " of " << bits;
    }
    EXPECT_EQ(policies->policy_for(RoutingDomain("example.org")), parent_values()) << bits;
  }
}

TEST(TlsPolicies, EverySubsetOfDefaultKeysLeavesAllOthersBuiltIn) {
  for (unsigned bits = 0; bits <= kAll; ++bits) {
    const auto policies = TlsPolicies::make(overlay_of(parent_values(), bits), "tls.default", {});
    ASSERT_TRUE(policies) << bits;
    const ExplainedTlsPolicy explained = policies->explain(RoutingDomain("example.com"));
    EXPECT_EQ(explained.policy, mixed(TlsPolicy{}, parent_values(), bits)) << bits;
    for (std::size_t field = 0; field < kTlsFields; ++field) {
      EXPECT_EQ(explained.origins[field], bits & (1U << field) ? "tls.default" : "built-in");
    }
  }
}

TEST(TlsPolicies, LaterRulesAreLaidOverEarlierOnesFieldByField) {
  const auto policies = TlsPolicies::make(
      {}, "tls.default",
      {{match({"*.example.com"}), {.port = 2525, .profile = "first"}, "a:1"},
       {match({"example.org"}), {.port = 1}, "a:2"},
       {match({"mail.example.com", "example.net"}), {.profile = "second"}, "a:3"}});
  ASSERT_TRUE(policies);
  const ExplainedTlsPolicy explained = policies->explain(RoutingDomain("mail.example.com"));
  EXPECT_EQ(explained.policy.port, 2525);
  EXPECT_EQ(explained.policy.profile, "second");
  EXPECT_EQ(explained.origins[at(TlsField::kPort)], "a:1");
  EXPECT_EQ(explained.origins[at(TlsField::kProfile)], "a:3");
  EXPECT_EQ(explained.origins[at(TlsField::kLevel)], "built-in");
}

TEST(TlsPolicies, AStricterLevelRaisesTheFallbacksThatNobodySet) {
  const auto policies =
      TlsPolicies::make({}, "tls.default",
                        {{match({"example.com"}),
                          {.level = TlsLevel::kEncrypt, .refused = OnTlsFailure::kBounce},
                          "a:1"}});
  ASSERT_TRUE(policies);
  const ExplainedTlsPolicy explained = policies->explain(RoutingDomain("example.com"));
  EXPECT_EQ(explained.policy.not_offered, OnTlsFailure::kDefer);
  EXPECT_EQ(explained.policy.refused, OnTlsFailure::kBounce);
  EXPECT_EQ(explained.policy.handshake, OnTlsFailure::kDefer);
  EXPECT_EQ(explained.origins[at(TlsField::kNotOffered)], "a:1") << "the level's origin";
}

TEST(TlsPolicies, AStricterRuleRaisesThePlaintextThatTheDefaultSaysOfItsOwnLevel) {
  TlsOverlay defaults{.level = TlsLevel::kMay, .not_offered = OnTlsFailure::kPlaintext};
  const auto policies = TlsPolicies::make(
      defaults, "tls.default", {{match({"example.com"}), {.level = TlsLevel::kEncrypt}, "a:1"}});
  ASSERT_TRUE(policies) << policies.error().words;
  EXPECT_EQ(policies->policy_for(RoutingDomain("example.com")).not_offered, OnTlsFailure::kDefer);
  EXPECT_EQ(policies->policy_for(RoutingDomain("example.org")).not_offered,
            OnTlsFailure::kPlaintext);
}

TEST(TlsPolicies, PlaintextTogetherWithALevelAboveMayIsRefused) {
  for (const TlsField field : {TlsField::kNotOffered, TlsField::kRefused, TlsField::kHandshake}) {
    TlsPolicy values{.level = TlsLevel::kEncrypt};  // all its fallbacks are plaintext
    const TlsOverlay overlay = overlay_of(values, bit(TlsField::kLevel) | bit(field));
    const auto in_rule =
        TlsPolicies::make({}, "tls.default", {{match({"*.example.com"}), overlay, "x.yaml:7"}});
    ASSERT_FALSE(in_rule);
    EXPECT_EQ(in_rule.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(in_rule.error().words, StartsWith("x.yaml:7: " + std::string(name(field))));
    EXPECT_THAT(in_rule.error().words, HasSubstr("level: encrypt"));
    const auto in_default = TlsPolicies::make(overlay, "tls.default", {});
    ASSERT_FALSE(in_default);
    EXPECT_THAT(in_default.error().words, StartsWith("tls.default: "));
  }
}

TEST(TlsPolicies, PlaintextLaidOverAStricterRuleIsRefusedWithBothOrigins) {
  const TlsRule strict{match({"*.example.com"}), {.level = TlsLevel::kEncrypt}, "a:1"};
  const TlsRule plain{match({"mail.example.com"}), {.handshake = OnTlsFailure::kPlaintext}, "a:2"};
  const auto refused = TlsPolicies::make({}, "tls.default", {strict, plain});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().words, StartsWith("a:2: "));
  EXPECT_THAT(refused.error().words, HasSubstr("of a:1"));

  const auto raised = TlsPolicies::make({}, "tls.default", {plain, strict});
  ASSERT_TRUE(raised) << "the stricter rule comes later and wins";
  EXPECT_EQ(raised->policy_for(RoutingDomain("mail.example.com")).handshake, OnTlsFailure::kDefer);

  const TlsRule wide_plain{match({"*.com"}), {.handshake = OnTlsFailure::kPlaintext}, "a:3"};
  EXPECT_FALSE(TlsPolicies::make({}, "tls.default", {strict, wide_plain}));
  const TlsRule elsewhere{match({"*.org"}), {.handshake = OnTlsFailure::kPlaintext}, "a:4"};
  EXPECT_TRUE(TlsPolicies::make({}, "tls.default", {strict, elsewhere}));
  const auto under_default =
      TlsPolicies::make({.level = TlsLevel::kEncrypt}, "tls.default", {elsewhere});
  EXPECT_FALSE(under_default);
}

TEST(TlsPolicies, ARuleMayLowerTheLevelAndAllowPlaintextForOneDomain) {
  const auto policies =
      TlsPolicies::make({.level = TlsLevel::kEncrypt}, "tls.default",
                        {{match({"old.example"}),
                          {.level = TlsLevel::kMay, .not_offered = OnTlsFailure::kPlaintext},
                          "a:1"}});
  ASSERT_TRUE(policies) << policies.error().words;
  EXPECT_EQ(policies->policy_for(RoutingDomain("old.example")).not_offered,
            OnTlsFailure::kPlaintext);
  EXPECT_EQ(policies->policy_for(RoutingDomain("example.com")).not_offered, OnTlsFailure::kDefer);
}

TEST(TlsPolicies, NoPolicyThatCanBeMadeFallsToPlaintextAboveMay) {
  const std::vector<DomainPattern> patterns = match({"a.example", "*.example", "*.a.example"});
  const std::vector<TlsOverlay> overlays = {
      {},
      {.level = TlsLevel::kEncrypt},
      {.level = TlsLevel::kMay},
      {.handshake = OnTlsFailure::kPlaintext},
      {.handshake = OnTlsFailure::kBounce},
  };
  int made = 0;
  int refused = 0;
  for (std::size_t i = 0; i < 5 * 5 * 5 * 5; ++i) {
    std::vector<TlsRule> rules;
    for (std::size_t rule = 0, rest = i / 5; rule < 3; ++rule, rest /= 5) {
      rules.push_back({{patterns[rule]}, overlays[rest % 5], "a:" + std::to_string(rule)});
    }
    const auto policies = TlsPolicies::make(overlays[i % 5], "tls.default", rules);
    ++(policies ? made : refused);
    if (!policies) continue;
    for (const char* domain : {"a.example", "b.example", "b.a.example", "example"}) {
      const TlsPolicy policy = policies->policy_for(RoutingDomain(domain));
      EXPECT_FALSE(encrypts(policy.level) && policy.handshake == OnTlsFailure::kPlaintext)
          << domain << " of " << i;
    }
  }
  EXPECT_GT(made, 100);
  EXPECT_GT(refused, 50);
}

TEST(TlsPolicies, BuiltInIsOpportunistic) {
  const ExplainedTlsPolicy explained = TlsPolicies().explain(RoutingDomain("example.com"));
  EXPECT_EQ(explained.policy, TlsPolicy{});
  EXPECT_EQ(explained.policy.level, TlsLevel::kMay);
  for (const std::string& origin : explained.origins) EXPECT_EQ(origin, "built-in");
}

TEST(TlsPolicies, NamesAreWhatTheConfigurationSays) {
  EXPECT_EQ(name(TlsLevel::kNone), "none");
  EXPECT_EQ(name(TlsLevel::kMay), "may");
  EXPECT_EQ(name(TlsLevel::kEncrypt), "encrypt");
  EXPECT_EQ(name(TlsConnect::kStartTls), "starttls");
  EXPECT_EQ(name(TlsConnect::kImplicit), "implicit");
  EXPECT_EQ(name(OnTlsFailure::kPlaintext), "plaintext");
  EXPECT_EQ(name(OnTlsFailure::kDefer), "defer");
  EXPECT_EQ(name(OnTlsFailure::kBounce), "bounce");
  EXPECT_EQ(name(TlsVersion::kTls10), "TLSv1");
  EXPECT_EQ(name(TlsVersion::kTls13), "TLSv1.3");
  EXPECT_EQ(name(TlsField::kLevel), "level");
  EXPECT_EQ(name(TlsField::kHandshake), "fallback.handshake");
}

TEST(TlsPolicies, ModernOffersForwardSecrecyAndAeadOnly) {
  const TlsProfile& modern = modern_profile();
  EXPECT_EQ(name(modern.min_version), "TLSv1.2");
  EXPECT_EQ(name(modern.max_version), "TLSv1.3");
  std::string_view rest = modern.ciphers;
  while (!rest.empty()) {
    const std::string_view cipher = rest.substr(0, rest.find(':'));
    EXPECT_THAT(std::string(cipher), StartsWith("ECDHE-"));
    EXPECT_TRUE(cipher.find("GCM") != cipher.npos || cipher.find("POLY1305") != cipher.npos);
    rest.remove_prefix(std::min(rest.size(), cipher.size() + 1));
  }
}

}  // namespace
}  // namespace posthaste::policy
