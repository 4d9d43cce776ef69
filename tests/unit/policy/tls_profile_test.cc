#include "lib/policy/tls_profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "lib/base/rng.h"

namespace posthaste::policy {
namespace {

using ::testing::IsEmpty;
using ::testing::StartsWith;

std::vector<TlsProfile> resolved(const std::vector<TlsProfileRule>& rules) {
  std::vector<TlsProfileTrouble> troubles;
  auto profiles = resolve_profiles(rules, troubles);
  EXPECT_THAT(troubles, IsEmpty());
  return profiles;
}

TlsProfile found(const std::vector<TlsProfile>& profiles, std::string_view name) {
  const auto place = std::find_if(profiles.begin(), profiles.end(),
                                  [&](const TlsProfile& profile) { return profile.name == name; });
  EXPECT_NE(place, profiles.end()) << name;
  return place == profiles.end() ? TlsProfile{} : *place;
}

const TlsProfile kChild{"child", TlsVersion::kTls10, TlsVersion::kTls12, "c", "cs", "g", "s", 5};

// Field by field, and not by the list that is being tested.
TlsProfileOverlay overlay_of(const TlsProfile& values, unsigned bits) {
  TlsProfileOverlay overlay;
  if (bits & 1) overlay.min_version = values.min_version;
  if (bits & 2) overlay.max_version = values.max_version;
  if (bits & 4) overlay.ciphers = values.ciphers;
  if (bits & 8) overlay.ciphersuites = values.ciphersuites;
  if (bits & 16) overlay.groups = values.groups;
  if (bits & 32) overlay.signature_algorithms = values.signature_algorithms;
  if (bits & 64) overlay.security_level = values.security_level;
  return overlay;
}

TlsProfile mixed(const TlsProfile& parent, const TlsProfile& child, unsigned bits) {
  return {child.name,
          bits & 1 ? child.min_version : parent.min_version,
          bits & 2 ? child.max_version : parent.max_version,
          bits & 4 ? child.ciphers : parent.ciphers,
          bits & 8 ? child.ciphersuites : parent.ciphersuites,
          bits & 16 ? child.groups : parent.groups,
          bits & 32 ? child.signature_algorithms : parent.signature_algorithms,
          bits & 64 ? child.security_level : parent.security_level};
}

TEST(TlsProfiles, AnySubsetOfOverriddenKeysLeavesAllOthersAtTheParentsValue) {
  for (unsigned bits = 0; bits < 128; ++bits) {
    EXPECT_EQ(found(resolved({{"child", {}, overlay_of(kChild, bits)}}), "child"),
              mixed(modern_profile(), kChild, bits))
        << bits;
  }
  Rng rng(7);
  TlsProfile grandchild{
      "grandchild", TlsVersion::kTls11, TlsVersion::kTls12, "C", "CS", "G", "S", 4};
  for (int round = 0; round < 3000; ++round) {
    const auto upper = static_cast<unsigned>(rng.below(128));
    const auto lower = static_cast<unsigned>(rng.below(128));
    const char* root = rng.chance(0.5) ? "compat" : "reduced";
    std::vector<TlsProfileRule> rules{{"child", root, overlay_of(kChild, upper)},
                                      {"grandchild", "child", overlay_of(grandchild, lower)}};
    rng.shuffle(rules);
    const auto profiles = resolved(rules);
    const TlsProfile child = mixed(found(built_in_profiles(), root), kChild, upper);
    ASSERT_EQ(found(profiles, "child"), child) << upper;
    ASSERT_EQ(found(profiles, "grandchild"), mixed(child, grandchild, lower)) << lower;
  }
}

TEST(TlsProfiles, AChangeOfABuiltInOneHoldsForThoseThatInheritIt) {
  const auto profiles = resolved({{"modern", {}, {.groups = "P-256"}},
                                  {"compat", {}, {.security_level = 2}},
                                  {"mine", {}, {}}});
  EXPECT_EQ(profiles.size(), 5U);
  for (const char* name : {"modern", "reduced", "compat", "antique", "mine"})
    EXPECT_EQ(found(profiles, name).groups, "P-256") << name;
  EXPECT_EQ(found(profiles, "antique").security_level, 2);
  EXPECT_EQ(found(profiles, "compat").ciphers, found(built_in_profiles(), "compat").ciphers);
}

TEST(TlsProfiles, ABuiltInNameWithAnotherParentIsAnotherProfile) {
  const auto profiles = resolved({{"compat", "reduced", {}}, {"modern", "modern", {}}});
  TlsProfile reduced = found(built_in_profiles(), "reduced");
  reduced.name = "compat";
  EXPECT_EQ(found(profiles, "compat"), reduced);
  EXPECT_EQ(found(profiles, "modern"), modern_profile()) << "its own name means the built-in one";
}

TEST(TlsProfiles, ACircleIsToldAtEachOfItsMembersAndUnknownNamesAtWhoSaysThem) {
  std::vector<TlsProfileTrouble> troubles;
  resolve_profiles({{"a", "b", {}},
                    {"b", "c", {}},
                    {"c", "b", {}},
                    {"d", "nobody", {}},
                    {"e", "d", {}},
                    {"modern", "compat", {}},
                    {"f", "f", {}}},
                   troubles);
  std::vector<std::pair<std::size_t, bool>> told;
  for (const auto& trouble : troubles) told.emplace_back(trouble.rule, trouble.unknown);
  EXPECT_THAT(told,
              ::testing::ElementsAre(std::pair(1, false), std::pair(2, false), std::pair(3, true),
                                     std::pair(5, false), std::pair(6, false)));
}

TEST(TlsProfiles, ModernOffersForwardSecrecyAndAeadOnly) {
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
