#include "daemon/tls_contexts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load.h"

namespace posthaste::daemon {
namespace {

using ::testing::HasSubstr;

std::shared_ptr<const Runtime> runtime_of(const std::string& yaml) {
  auto loaded = config::load_config(yaml, "test");
  for (const auto& error : loaded.errors) ADD_FAILURE() << render_diagnostic(error);
  return loaded.config ? make_runtime(std::move(*loaded.config), "mta.test", 1) : nullptr;
}

Result<std::unique_ptr<TlsContexts>> contexts_of(const std::string& yaml) {
  std::vector<std::string> warnings;
  return TlsContexts::make(*runtime_of(yaml), warnings);
}

TEST(TlsContexts, EveryProfileHasOneWithTheSystemsRoots) {
  const auto contexts = contexts_of("tls: {profiles: {mine: {max_version: TLSv1.2}}}\n");
  ASSERT_TRUE(contexts);
  for (const char* profile : {"modern", "reduced", "compat", "antique", "mine"}) {
    EXPECT_NE((*contexts)->client(profile, {}), nullptr) << profile;
  }
  EXPECT_EQ((*contexts)->clients(), 5U);
  EXPECT_EQ((*contexts)->server(), nullptr);
}

TEST(TlsContexts, WhatNoPolicyLeadsToIsNotThere) {
  const auto contexts = contexts_of("{}\n");
  ASSERT_TRUE(contexts);
  policy::TlsDemand demand;
  demand.trust.ca_file = "/nowhere/ca.pem";
  EXPECT_EQ((*contexts)->client("modern", demand), nullptr);
  EXPECT_EQ((*contexts)->client("unheard-of", {}), nullptr);
}

TEST(TlsContexts, AFileOfAnyRuleIsLookedForAtOnce) {
  const auto by_domain =
      contexts_of("tls: {domains: [{match: partner.test, ca_file: /nowhere/ca.pem}]}\n");
  ASSERT_FALSE(by_domain);
  EXPECT_THAT(by_domain.error().words, HasSubstr("/nowhere/ca.pem"));
  const auto by_host =
      contexts_of("tls: {domains: [{mx: '*.hub.test', crl_file: /nowhere/crl}]}\n");
  ASSERT_FALSE(by_host);
  EXPECT_THAT(by_host.error().words, HasSubstr("/nowhere/crl"));
}

TEST(TlsContexts, TheRootsForPoliciesOfMtaStsAreLookedForAtOnce) {
  const auto contexts = contexts_of("tls: {mta_sts_ca_file: /nowhere/sts.pem}\n");
  ASSERT_FALSE(contexts);
  EXPECT_THAT(contexts.error().words, HasSubstr("tls.mta_sts_ca_file: "));
  EXPECT_THAT(contexts.error().words, HasSubstr("/nowhere/sts.pem"));
}

TEST(TlsContexts, RulesThatLeadToTheSameShareIt) {
  const auto contexts = contexts_of(
      "tls: {domains: [{match: a.test, ca_file: system}, {match: b.test, level: verify}]}\n");
  ASSERT_TRUE(contexts);
  EXPECT_EQ((*contexts)->clients(), 4U);
}

TEST(TlsContexts, AProfileThatOpensslDoesNotTakeIsFoundEvenIfNoLadderNamesIt) {
  const auto contexts = contexts_of("tls: {profiles: {odd: {ciphers: NO-SUCH-CIPHER}}}\n");
  ASSERT_FALSE(contexts);
  EXPECT_THAT(contexts.error().words, HasSubstr("odd"));
}

}  // namespace
}  // namespace posthaste::daemon
