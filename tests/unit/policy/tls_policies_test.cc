#include "lib/policy/tls_policies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "lib/base/rng.h"
#include "lib/policy/fingerprint.h"

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

// Takes the fields of `values` whose bits are set. Field by field, and not by the list that is
// being tested.
TlsOverlay overlay_of(const TlsPolicy& values, unsigned bits) {
  TlsOverlay overlay;
  if (bits & bit(TlsField::kLevel)) overlay.level = values.level;
  if (bits & bit(TlsField::kConnect)) overlay.connect = values.connect;
  if (bits & bit(TlsField::kPort)) overlay.port = values.port;
  if (bits & bit(TlsField::kLadder)) overlay.ladder = values.ladder;
  if (bits & bit(TlsField::kNotOffered)) overlay.not_offered = values.not_offered;
  if (bits & bit(TlsField::kRefused)) overlay.refused = values.refused;
  if (bits & bit(TlsField::kHandshake)) overlay.handshake = values.handshake;
  if (bits & bit(TlsField::kPlaintextAfter)) overlay.plaintext_after = values.plaintext_after;
  if (bits & bit(TlsField::kDane)) overlay.dane = values.dane;
  if (bits & bit(TlsField::kMtaSts)) overlay.mta_sts = values.mta_sts;
  if (bits & bit(TlsField::kRemember)) overlay.remember = values.remember;
  if (bits & bit(TlsField::kStripGuard)) overlay.strip_guard = values.strip_guard;
  if (bits & bit(TlsField::kMatchNames)) overlay.match_names = values.match_names;
  if (bits & bit(TlsField::kFingerprints)) overlay.fingerprints = values.fingerprints;
  if (bits & bit(TlsField::kCaFile)) overlay.ca_file = values.ca_file;
  if (bits & bit(TlsField::kCrlFile)) overlay.crl_file = values.crl_file;
  if (bits & bit(TlsField::kOcsp)) overlay.ocsp = values.ocsp;
  if (bits & bit(TlsField::kClientCertificate))
    overlay.client_certificate = values.client_certificate;
  if (bits & bit(TlsField::kClientPrivateKey))
    overlay.client_private_key = values.client_private_key;
  return overlay;
}

// Takes the fields whose bits are set from `child`, all others from `parent`.
TlsPolicy mixed(const TlsPolicy& parent, const TlsPolicy& child, unsigned bits) {
  TlsPolicy policy = parent;
  if (bits & bit(TlsField::kLevel)) policy.level = child.level;
  if (bits & bit(TlsField::kConnect)) policy.connect = child.connect;
  if (bits & bit(TlsField::kPort)) policy.port = child.port;
  if (bits & bit(TlsField::kLadder)) policy.ladder = child.ladder;
  if (bits & bit(TlsField::kNotOffered)) policy.not_offered = child.not_offered;
  if (bits & bit(TlsField::kRefused)) policy.refused = child.refused;
  if (bits & bit(TlsField::kHandshake)) policy.handshake = child.handshake;
  if (bits & bit(TlsField::kPlaintextAfter)) policy.plaintext_after = child.plaintext_after;
  if (bits & bit(TlsField::kDane)) policy.dane = child.dane;
  if (bits & bit(TlsField::kMtaSts)) policy.mta_sts = child.mta_sts;
  if (bits & bit(TlsField::kRemember)) policy.remember = child.remember;
  if (bits & bit(TlsField::kStripGuard)) policy.strip_guard = child.strip_guard;
  if (bits & bit(TlsField::kMatchNames)) policy.match_names = child.match_names;
  if (bits & bit(TlsField::kFingerprints)) policy.fingerprints = child.fingerprints;
  if (bits & bit(TlsField::kCaFile)) policy.ca_file = child.ca_file;
  if (bits & bit(TlsField::kCrlFile)) policy.crl_file = child.crl_file;
  if (bits & bit(TlsField::kOcsp)) policy.ocsp = child.ocsp;
  if (bits & bit(TlsField::kClientCertificate))
    policy.client_certificate = child.client_certificate;
  if (bits & bit(TlsField::kClientPrivateKey)) policy.client_private_key = child.client_private_key;
  return policy;
}

// Every field of a policy; does not compile when there is another.
std::size_t fields_of(const TlsPolicy& policy) {
  [[maybe_unused]] const auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s] = policy;
  return 19;
}

std::string pin(char c) { return render_fingerprint(std::string(32, c)); }

// Differ in every field, so that a field that leaks from one to the other shows. Of a kind that
// every mixture of them is allowed.
TlsPolicy parent_values() {
  return {.level = TlsLevel::kMay,
          .connect = TlsConnect::kStartTls,
          .port = 2525,
          .ladder = {"parent"},
          .not_offered = OnTlsFailure::kDefer,
          .refused = OnTlsFailure::kBounce,
          .handshake = OnTlsFailure::kDefer,
          .plaintext_after = std::chrono::minutes(1),
          .dane = false,
          .mta_sts = true,
          .remember = std::chrono::hours(1),
          .strip_guard = true,
          .match_names = {"hostname"},
          .fingerprints = {pin('p')},
          .ca_file = "/parent/ca",
          .crl_file = "/parent/crl",
          .ocsp = OcspStapling::kIgnore,
          .client_certificate = "/parent/cert",
          .client_private_key = "/parent/key"};
}

TlsPolicy child_values() {
  return {.level = TlsLevel::kEncrypt,
          .connect = TlsConnect::kImplicit,
          .port = 465,
          .ladder = {"child", "other"},
          .not_offered = OnTlsFailure::kBounce,
          .refused = OnTlsFailure::kDefer,
          .handshake = OnTlsFailure::kBounce,
          .plaintext_after = std::chrono::minutes(2),
          .dane = true,
          .mta_sts = false,
          .remember = std::chrono::hours(2),
          .strip_guard = false,
          .match_names = {"nexthop", "a.example"},
          .fingerprints = {pin('c'), pin('d')},
          .ca_file = "/child/ca",
          .crl_file = "/child/crl",
          .ocsp = OcspStapling::kRequire,
          .client_certificate = "/child/cert",
          .client_private_key = "/child/key"};
}

// A certificate and its key come together.
unsigned with_pairs(unsigned bits) {
  constexpr unsigned kPair = bit(TlsField::kClientCertificate) | bit(TlsField::kClientPrivateKey);
  return bits & kPair ? bits | kPair : bits;
}

constexpr unsigned kAll = (1U << kTlsFields) - 1;
constexpr OnTlsFailure kPlain = OnTlsFailure::kPlaintext;
constexpr OnTlsFailure kDefer = OnTlsFailure::kDefer;

TEST(TlsPolicies, ParentAndChildOfTheNextTestDifferInEveryField) {
  EXPECT_EQ(fields_of(TlsPolicy{}), kTlsFields);
  for (unsigned field = 0; field < kTlsFields; ++field) {
    EXPECT_NE(mixed(parent_values(), child_values(), 1U << field), parent_values())
        << name(static_cast<TlsField>(field));
    EXPECT_NE(mixed(parent_values(), TlsPolicy{}, 1U << field), TlsPolicy{});
  }
}

// Incident 4 of docs/tls.md: options that eat each other.
TEST(TlsPolicies, AnySubsetOfOverriddenKeysLeavesAllOthersAtTheParentsValue) {
  const RoutingDomain domain("example.com");
  const MxName host("mx.provider.example");
  Rng rng(20261122);
  for (int round = 0; round < 5000; ++round) {
    const unsigned by_default = with_pairs(static_cast<unsigned>(rng.next()) & kAll);
    const unsigned by_host = with_pairs(static_cast<unsigned>(rng.next()) & kAll);
    const unsigned by_domain = with_pairs(static_cast<unsigned>(rng.next()) & kAll);
    TlsPolicy middle = child_values();
    middle.port = 26;
    middle.ca_file = "/middle/ca";
    const auto policies = TlsPolicies::make(
        overlay_of(parent_values(), by_default), "tls.default",
        {{match({"example.com"}), overlay_of(child_values(), by_domain), "a:31"},
         {.overlay = overlay_of(middle, by_host), .origin = "a:40", .mx = match({"*.example"})}});
    ASSERT_TRUE(policies) << policies.error().words;
    const ExplainedTlsPolicy explained = policies->explain(domain, host);
    TlsPolicy expected = mixed(TlsPolicy{}, parent_values(), by_default);
    expected = mixed(expected, middle, by_host);
    expected = mixed(expected, child_values(), by_domain);
    if (encrypts(expected.level)) {  // what the built-in policy's own level left
      for (auto fallback : {&TlsPolicy::not_offered, &TlsPolicy::refused, &TlsPolicy::handshake}) {
        if (expected.*fallback == OnTlsFailure::kPlaintext) expected.*fallback = kDefer;
      }
    }
    ASSERT_EQ(explained.policy, expected) << by_default << " < " << by_host << " < " << by_domain;
    ASSERT_EQ(policies->policy_for(domain, host), expected);
    for (unsigned field = 0; field < kTlsFields; ++field) {
      const bool fallback = name(static_cast<TlsField>(field)).starts_with("fallback.");
      const unsigned mask = 1U << field;
      const char* origin = by_domain & mask    ? "a:31"
                           : by_host & mask    ? "a:40"
                           : by_default & mask ? "tls.default"
                                               : "built-in";
      if (fallback) continue;  // may be the level's
      ASSERT_EQ(explained.origins[field], origin) << field;
    }
  }
}

TEST(TlsPolicies, OnlyTheHostsThatItNamesAreUnderAnMxRule) {
  const auto policies =
      TlsPolicies::make({}, "tls.default",
                        {{.overlay = {.ladder = std::vector<std::string>{"compat"}},
                          .origin = "a:1",
                          .mx = match({"*.provider.example"})}});
  ASSERT_TRUE(policies);
  const RoutingDomain domain("example.com");
  EXPECT_EQ(policies->policy_for(domain, MxName("mx1.provider.example")).ladder,
            std::vector<std::string>{"compat"});
  EXPECT_EQ(policies->policy_for(domain, MxName("provider.example")), TlsPolicy{});
  EXPECT_EQ(policies->policy_for(RoutingDomain("mx1.provider.example")), TlsPolicy{});
}

TEST(TlsPolicies, LaterRulesAreLaidOverEarlierOnesFieldByField) {
  const auto policies = TlsPolicies::make(
      {}, "tls.default",
      {{match({"*.example.com"}), {.port = 2525, .ca_file = "first"}, "a:1"},
       {match({"example.org"}), {.port = 1}, "a:2"},
       {match({"mail.example.com", "example.net"}), {.ca_file = "second"}, "a:3"}});
  ASSERT_TRUE(policies);
  const ExplainedTlsPolicy explained = policies->explain(RoutingDomain("mail.example.com"));
  EXPECT_EQ(explained.policy.port, 2525);
  EXPECT_EQ(explained.policy.ca_file, "second");
  EXPECT_EQ(explained.origins[at(TlsField::kPort)], "a:1");
  EXPECT_EQ(explained.origins[at(TlsField::kCaFile)], "a:3");
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

TEST(TlsPolicies, PlaintextOfADomainIsRefusedUnderAHostsRuleThatEncrypts) {
  const TlsRule strict{
      .overlay = {.level = TlsLevel::kEncrypt}, .origin = "a:1", .mx = match({"*.mx.example"})};
  const TlsRule plain{match({"example.com"}), {.refused = OnTlsFailure::kPlaintext}, "a:2"};
  for (const auto& rules : {std::vector{strict, plain}, std::vector{plain, strict}}) {
    const auto refused = TlsPolicies::make({}, "tls.default", rules);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().words, StartsWith("a:2: fallback.refused: "));
    EXPECT_THAT(refused.error().words, HasSubstr("of a:1"));
  }
  TlsRule meant = plain;
  meant.overlay.level = TlsLevel::kMay;  // for this domain, whoever serves it
  const auto policies = TlsPolicies::make({}, "tls.default", {strict, meant});
  ASSERT_TRUE(policies) << policies.error().words;
  EXPECT_EQ(policies->policy_for(RoutingDomain("example.com"), MxName("a.mx.example")).refused,
            OnTlsFailure::kPlaintext);
  EXPECT_EQ(policies->policy_for(RoutingDomain("example.org"), MxName("a.mx.example")).refused,
            OnTlsFailure::kDefer);
}

TEST(TlsPolicies, AStricterDomainRaisesThePlaintextOfAHostsRule) {
  const auto policies = TlsPolicies::make(
      {}, "tls.default",
      {{match({"example.com"}), {.level = TlsLevel::kEncrypt}, "a:1"},
       {.overlay = {.handshake = kPlain}, .origin = "a:2", .mx = match({"*.mx.example"})}});
  ASSERT_TRUE(policies) << policies.error().words;
  EXPECT_EQ(policies->policy_for(RoutingDomain("example.com"), MxName("a.mx.example")).handshake,
            OnTlsFailure::kDefer);
}

TEST(TlsPolicies, WhatCannotWorkIsRefusedWithItsPlaceAndField) {
  using Names = std::vector<std::string>;
  struct Row {
    TlsOverlay overlay;
    const char* field;
  };
  const Row rows[] = {
      {{.ladder = Names{}}, "ladder: "},
      {{.level = TlsLevel::kFingerprint}, "level: fingerprint needs fingerprints"},
      {{.fingerprints = Names{"sha256:12"}}, "fingerprints: \"sha256:12\" is no fingerprint"},
      {{.client_certificate = "/a"}, "client_certificate: "},
      {{.client_private_key = "/a"}, "client_private_key: "},
      {{.client_certificate = "/a", .client_private_key = ""}, "client_certificate: "},
      {{.level = TlsLevel::kNone, .connect = TlsConnect::kImplicit}, "connect: "},
  };
  for (const Row& row : rows) {
    const auto in_default = TlsPolicies::make(row.overlay, "tls.default", {});
    const auto in_rule =
        TlsPolicies::make({}, "tls.default", {{match({"*.example.com"}), row.overlay, "a:1"}});
    const auto for_hosts = TlsPolicies::make(
        {}, "tls.default", {{.overlay = row.overlay, .origin = "a:1", .mx = match({"a.example"})}});
    ASSERT_FALSE(in_default) << row.field;
    EXPECT_THAT(in_default.error().words, StartsWith(std::string("tls.default: ") + row.field));
    for (const auto* refused : {&in_rule, &for_hosts}) {
      ASSERT_FALSE(*refused) << row.field;
      EXPECT_THAT(refused->error().words, StartsWith(std::string("a:1: ") + row.field));
    }
  }
  EXPECT_FALSE(TlsPolicies::make({}, "tls.default", {{{}, {}, "a:1"}})) << "for nobody";
  EXPECT_FALSE(TlsPolicies::make({}, "tls.default",
                                 {{match({"a.example"}), {}, "a:1", match({"b.example"})}}))
      << "for domains and hosts at once";
}

TEST(TlsPolicies, FingerprintsMayComeFromAnEarlierRule) {
  const std::vector<std::string> pins{pin('x')};
  EXPECT_TRUE(
      TlsPolicies::make({.fingerprints = pins}, "tls.default",
                        {{match({"example.com"}), {.level = TlsLevel::kFingerprint}, "a:1"}}));
  EXPECT_FALSE(
      TlsPolicies::make({}, "tls.default",
                        {{match({"a.example"}), {.fingerprints = pins}, "a:1"},
                         {match({"*.example"}), {.level = TlsLevel::kFingerprint}, "a:2"}}))
      << "b.example has none";
}

TEST(TlsPolicies, LevelNoneNeverBeginsWithTls) {
  const TlsRule host{.overlay = {.connect = TlsConnect::kImplicit, .port = 465},
                     .origin = "a:1",
                     .mx = match({"*.mx.example"})};
  const TlsRule domain{match({"example.com"}), {.level = TlsLevel::kNone}, "a:2"};
  const auto policies = TlsPolicies::make({}, "tls.default", {host, domain});
  ASSERT_TRUE(policies);
  const auto explained = policies->explain(RoutingDomain("example.com"), MxName("a.mx.example"));
  EXPECT_EQ(explained.policy.connect, TlsConnect::kStartTls);
  EXPECT_EQ(explained.origins[at(TlsField::kConnect)], "a:2");
  EXPECT_FALSE(TlsPolicies::make(host.overlay, "tls.default", {domain})) << "always together";
}

TEST(TlsPolicies, FieldsHaveTheNamesOfTheConfiguration) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kTlsFields; ++i) names.insert(name(static_cast<TlsField>(i)));
  EXPECT_EQ(names.size(), kTlsFields);
  EXPECT_EQ(name(TlsField::kLevel), "level");
  EXPECT_EQ(name(TlsField::kHandshake), "fallback.handshake");
  EXPECT_EQ(name(TlsField::kMtaSts), "mta_sts");
  EXPECT_EQ(name(TlsField::kClientPrivateKey), "client_private_key");
}

}  // namespace
}  // namespace posthaste::policy
