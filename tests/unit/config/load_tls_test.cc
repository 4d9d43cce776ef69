// The TLS section, as far as it becomes policies, profiles, and who may submit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>

#include "config/load.h"
#include "config/render.h"
#include "config/schema.h"
#include "lib/base/rng.h"
#include "lib/policy/tls_policies.h"

namespace posthaste::config {
namespace {

using namespace std::chrono_literals;
using policy::ExplainedTlsPolicy;
using policy::TlsField;
using policy::TlsLevel;
using policy::TlsPolicy;
using testing::ElementsAre;
using testing::IsEmpty;

Config must_load(std::string_view yaml) {
  LoadResult result = load_config(yaml, "posthaste.yaml");
  EXPECT_TRUE(result.config) << render_diagnostic(result.errors.front()) << "\n" << yaml;
  return result.config ? std::move(*result.config) : Config{};
}

const RoutingDomain kDomain("example.com");

// One key of a rule and two values for it, as they are written.
struct Key {
  TlsField field;
  std::string_view one;
  std::string_view other;
};
const std::string kPins[] = {"\"sha256:" + std::string(64, 'a') + '"',
                             "\"sha256:" + std::string(64, 'b') + '"'};
const Key kKeys[] = {
    {TlsField::kLevel, "encrypt", "secure"},
    {TlsField::kConnect, "starttls", "implicit"},
    {TlsField::kPort, "25", "465"},
    {TlsField::kLadder, "[modern]", "[reduced, compat]"},
    {TlsField::kNotOffered, "defer", "bounce"},
    {TlsField::kRefused, "defer", "bounce"},
    {TlsField::kHandshake, "bounce", "defer"},
    {TlsField::kPlaintextAfter, "1m", "2m"},
    {TlsField::kDane, "true", "false"},
    {TlsField::kMtaSts, "false", "true"},
    {TlsField::kRemember, "1h", "0s"},
    {TlsField::kStripGuard, "true", "false"},
    {TlsField::kMatchNames, "hostname", "[nexthop, a.example]"},
    {TlsField::kFingerprints, kPins[0], kPins[1]},
    {TlsField::kCaFile, "/one/ca", "/other/ca"},
    {TlsField::kCrlFile, "/one/crl", "/other/crl"},
    {TlsField::kOcsp, "ignore", "require"},
    {TlsField::kClientCertificate, "/one/cert", "/other/cert"},
    {TlsField::kClientPrivateKey, "/one/key", "/other/key"},
};

// In flow style; the fallbacks in their own section.
std::string written(unsigned bits, std::string_view Key::*value) {
  std::string keys;
  std::string fallbacks;
  for (const Key& key : kKeys) {
    if ((bits >> static_cast<unsigned>(key.field) & 1) == 0) continue;
    std::string_view field = name(key.field);
    const bool fallback = field.starts_with("fallback.");
    if (fallback) field.remove_prefix(9);
    std::string& into = fallback ? fallbacks : keys;
    into += (into.empty() ? "" : ", ") + std::string(field) + ": " + std::string(key.*value);
  }
  if (!fallbacks.empty())
    keys += (keys.empty() ? "" : ", ") + std::string("fallback: { ") + fallbacks + " }";
  return keys;
}

// A certificate and its key come together.
unsigned with_pairs(unsigned bits) {
  constexpr unsigned kPair = 1U << static_cast<unsigned>(TlsField::kClientCertificate) |
                             1U << static_cast<unsigned>(TlsField::kClientPrivateKey);
  return bits & kPair ? bits | kPair : bits;
}

// Incident 4 of docs/tls.md, from the file to the policy, and once more through `config show`.
TEST(LoadTls, AnySubsetOfARulesKeysLeavesAllOthersAtTheDefaults) {
  constexpr unsigned kAll = (1U << policy::kTlsFields) - 1;
  static_assert(std::size(kKeys) == policy::kTlsFields);
  const std::string defaults = "default: { " + written(kAll, &Key::one) + " }";
  const TlsPolicy one = must_load("tls: { " + defaults + " }").tls.policies.policy_for(kDomain);
  const TlsPolicy other = must_load("tls: { default: { " + written(kAll, &Key::other) + " } }")
                              .tls.policies.policy_for(kDomain);
  Rng rng(3);
  for (int round = 0; round < 300; ++round) {
    const unsigned bits = with_pairs(static_cast<unsigned>(rng.next()) & kAll);
    const bool by_host = rng.chance(0.5);
    const std::string keys = written(bits, &Key::other);
    const std::string yaml = "tls:\n  " + defaults + "\n  domains:\n    - { " +
                             (by_host ? "mx" : "match") + ": example.com" +
                             (keys.empty() ? "" : ", ") + keys + " }\n";
    const Config config = must_load(yaml);
    const Config shown = must_load(render_config(config));
    const MxName host("example.com");
    const RoutingDomain domain(by_host ? "a.example" : "example.com");
    const ExplainedTlsPolicy explained = config.tls.policies.explain(domain, host);
    EXPECT_EQ(shown.tls.policies.policy_for(domain, host), explained.policy) << yaml;
    EXPECT_EQ(config.tls.policies.policy_for(RoutingDomain("b.example")), one);
    policy::for_each_tls_field([&](TlsField field, auto in_policy, auto) {
      const bool set = (bits >> static_cast<unsigned>(field) & 1) != 0;
      EXPECT_NE(one.*in_policy, other.*in_policy) << name(field);
      EXPECT_EQ(explained.policy.*in_policy, (set ? other : one).*in_policy) << name(field);
      EXPECT_EQ(explained.origins[static_cast<std::size_t>(field)],
                set ? "posthaste.yaml:4" : "tls.default");
    });
  }
}

TEST(LoadTls, EveryLevelIsTakenWithWhatItNeeds) {
  for (const std::string_view level : choices(*find_field("tls.default.level"))) {
    const std::string yaml = "tls: { default: { level: " + std::string(level) +
                             (level == "fingerprint" ? ", fingerprints: " + kPins[0] : "") + " } }";
    EXPECT_EQ(name(must_load(yaml).tls.policies.policy_for(kDomain).level), level);
  }
}

TEST(LoadTls, WhatTheTableCallsDefaultsIsBuiltIn) {
  std::string keys;
  for (const Field* field : fields_below("tls.default")) {
    if (field->fallback.empty()) continue;
    keys += (keys.empty() ? "" : ", ") + std::string(last_part(field->path)) + ": " +
            std::string(field->fallback);
  }
  const Config config = must_load("tls: { default: { " + keys + " } }");
  EXPECT_EQ(config.tls.policies.policy_for(kDomain), TlsPolicy{}) << keys;
  EXPECT_EQ(must_load("").tls.profiles, policy::built_in_profiles());
}

TEST(LoadTls, ARuleCanTakeBackFilesOfTheDefault) {
  const Config config = must_load(
      "tls:\n"
      "  default: { ca_file: /ca, crl_file: /crl, client_certificate: /c, client_private_key: /k "
      "}\n"
      "  domains:\n"
      "    - { match: example.com, ca_file: system, crl_file: none, client_certificate: none,\n"
      "        client_private_key: none }\n");
  for (const Config& loaded : {config, must_load(render_config(config))}) {
    EXPECT_EQ(loaded.tls.policies.policy_for(kDomain), TlsPolicy{});
    EXPECT_EQ(loaded.tls.policies.policy_for(RoutingDomain("a.example")).ca_file, "/ca");
  }
}

TEST(LoadTls, RulesForHostsHoldForWhomeverTheyServe) {
  const Config config = must_load(
      "tls:\n"
      "  domains:\n"
      "    - { match: example.com, ladder: [modern] }\n"
      "    - { mx: \"*.Provider.example\", ladder: compat, remember: 1h }\n");
  const MxName host("mx.provider.example");
  const TlsPolicy domain = config.tls.policies.policy_for(kDomain, host);
  EXPECT_THAT(domain.ladder, ElementsAre("modern")) << "a domain's rule comes last";
  EXPECT_EQ(domain.remember, 1h);
  EXPECT_THAT(config.tls.policies.policy_for(RoutingDomain("b.example"), host).ladder,
              ElementsAre("compat"));
}

TEST(LoadTls, FingerprintsAndNamesAreInOneForm) {
  std::string colons = "AB";
  for (int i = 0; i < 31; ++i) colons += ":AB";
  const Config config = must_load("tls: { default: { fingerprints: \"sha256:" + colons +
                                  "\", match_names: [Nexthop, \".A.Example\"] } }");
  const TlsPolicy policy = config.tls.policies.policy_for(kDomain);
  std::string digits;
  for (int i = 0; i < 32; ++i) digits += "ab";
  EXPECT_THAT(policy.fingerprints, ElementsAre("sha256:" + digits));
  EXPECT_THAT(policy.match_names, ElementsAre("nexthop", ".a.example"));
}

TEST(LoadTls, ReadsWhoMaySubmitByCertificate) {
  const Submission submission = must_load(R"(
listen: [ { address: 127.0.0.1:587, tls: starttls } ]
submission:
  certificate: /cert
  private_key: /key
  profile: compat
  client_certificates:
    mode: required
    ca_file: /clients.pem
    crl_file: /clients.crl
    allow: [App1.example.com, "CN=Anna,O=Example", )" +
                                          kPins[1] + "]\n")
                                    .submission;
  EXPECT_EQ(submission.profile, "compat");
  const ClientCertificates& clients = submission.client_certificates;
  EXPECT_EQ(clients.mode, CertificateUse::kRequired);
  EXPECT_EQ(clients.ca_file, "/clients.pem");
  EXPECT_EQ(clients.crl_file, "/clients.crl");
  EXPECT_THAT(clients.allow, ElementsAre("app1.example.com", "CN=Anna,O=Example",
                                         "sha256:" + std::string(64, 'b')));
  const Submission none = must_load("").submission;
  EXPECT_EQ(none.profile, "modern");
  EXPECT_EQ(none.client_certificates.mode, CertificateUse::kIgnore);
  EXPECT_THAT(none.client_certificates.allow, IsEmpty());
}

TEST(LoadTls, ReadsReportsAndTheRootsOfPolicyHosts) {
  const Tls tls = must_load(R"(
tls:
  mta_sts_ca_file: /roots.pem
  report: { enabled: true, from: tls-reports@A.example, contact: ops@a.example,
            organization: "Example Mail: the postmasters" }
)")
                      .tls;
  EXPECT_EQ(tls.mta_sts_ca_file, "/roots.pem");
  EXPECT_TRUE(tls.report.enabled);
  EXPECT_EQ(tls.report.from, "tls-reports@a.example");
  EXPECT_EQ(tls.report.contact, "ops@a.example");
  EXPECT_EQ(tls.report.organization, "Example Mail: the postmasters");
  EXPECT_FALSE(must_load("").tls.report.enabled) << "senders opt in";
}

}  // namespace
}  // namespace posthaste::config
