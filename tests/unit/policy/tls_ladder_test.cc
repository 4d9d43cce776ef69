#include "lib/policy/tls_ladder.h"

#include <gtest/gtest.h>

namespace posthaste::policy {
namespace {

TlsProfile built_in(std::string_view wanted) {
  for (const TlsProfile& profile : built_in_profiles()) {
    if (profile.name == wanted) return profile;
  }
  ADD_FAILURE() << "no profile " << wanted;
  return {};
}

Ladder ladder(std::initializer_list<std::string_view> names) {
  Ladder profiles;
  for (const std::string_view name : names) profiles.push_back(built_in(name));
  return profiles;
}

const Ladder& standard() {
  static const Ladder kLadder = ladder({"modern", "reduced", "compat"});
  return kLadder;
}

TEST(Ladder, AHelloThatIsTooMuchLeadsToASmallerOne) {
  for (const TlsFailure failure :
       {TlsFailure::kTimeout, TlsFailure::kReset, TlsFailure::kClosed, TlsFailure::kProtocolError,
        TlsFailure::kPeerInternalError, TlsFailure::kPeerAlertOther}) {
    EXPECT_EQ(remedy_for(failure), Remedy::kSmallerHello) << label(failure);
    EXPECT_EQ(next_rung(standard(), 0, failure), 1U) << label(failure);
    EXPECT_EQ(next_rung(standard(), 1, failure), std::nullopt) << "compat has no smaller hello";
  }
}

TEST(Ladder, WhatNobodySharesLeadsToAWiderOffer) {
  for (const TlsFailure failure : {TlsFailure::kPeerHandshakeFailure, TlsFailure::kProtocolVersion,
                                   TlsFailure::kWeakKeyExchange, TlsFailure::kWeakSignature,
                                   TlsFailure::kPeerInsufficientSecurity}) {
    EXPECT_EQ(remedy_for(failure), Remedy::kWiderOffer) << label(failure);
    EXPECT_EQ(next_rung(standard(), 0, failure), 2U) << "reduced offers nothing new";
    EXPECT_EQ(next_rung(standard(), 1, failure), 2U) << label(failure);
    EXPECT_EQ(next_rung(standard(), 2, failure), std::nullopt) << label(failure);
  }
}

TEST(Ladder, OneOfTwoTroublesAfterTheOther) {
  const auto reduced = next_rung(standard(), 0, TlsFailure::kReset);
  ASSERT_EQ(reduced, 1U);
  EXPECT_EQ(next_rung(standard(), *reduced, TlsFailure::kPeerHandshakeFailure), 2U);
}

TEST(Ladder, NoRungHelpsAgainstCertificatesPolicyOrOurOwnFaults) {
  for (int i = 0; i < kTlsFailures; ++i) {
    const auto failure = static_cast<TlsFailure>(i);
    const bool certificate = label(failure).starts_with("cert_");
    if (certificate || kind(failure) != TlsFailureKind::kHandshake) {
      EXPECT_EQ(remedy_for(failure), Remedy::kNone) << label(failure);
    }
    if (remedy_for(failure) != Remedy::kNone) continue;
    EXPECT_EQ(next_rung(ladder({"modern", "reduced", "compat", "antique"}), 0, failure),
              std::nullopt);
  }
}

TEST(Ladder, OldVersionsAreAWiderOffer) {
  EXPECT_EQ(next_rung(ladder({"compat", "antique"}), 0, TlsFailure::kProtocolVersion), 1U);
  EXPECT_EQ(next_rung(ladder({"antique", "compat"}), 0, TlsFailure::kProtocolVersion),
            std::nullopt);
  EXPECT_EQ(next_rung(ladder({"reduced", "modern"}), 0, TlsFailure::kProtocolVersion), 1U);
}

TEST(Ladder, FewerGroupsAreASmallerHello) {
  TlsProfile fewer = built_in("modern");
  fewer.groups = "X25519, P-256";
  EXPECT_EQ(next_rung({built_in("modern"), fewer}, 0, TlsFailure::kTimeout), 1U);
  EXPECT_EQ(next_rung({fewer, built_in("modern")}, 0, TlsFailure::kTimeout), std::nullopt);
}

TEST(Ladder, TakingNoLongerAwayIsAWiderOffer) {
  TlsProfile narrow = built_in("modern");
  narrow.ciphers = "HIGH:!aNULL:!kRSA";
  TlsProfile wide = narrow;
  wide.ciphers = "HIGH:!aNULL";
  EXPECT_EQ(next_rung({narrow, wide}, 0, TlsFailure::kPeerHandshakeFailure), 1U);
  EXPECT_EQ(next_rung({wide, narrow}, 0, TlsFailure::kPeerHandshakeFailure), std::nullopt);
}

TEST(Ladder, TheSameRungAgainHelpsNobody) {
  const Ladder twice = ladder({"modern", "modern"});
  for (int i = 0; i < kTlsFailures; ++i)
    EXPECT_EQ(next_rung(twice, 0, static_cast<TlsFailure>(i)), std::nullopt);
}

TEST(BuiltInProfiles, AreWhatTheirNamesPromise) {
  const TlsProfile modern = built_in("modern");
  EXPECT_EQ(modern, modern_profile());
  const TlsProfile reduced = built_in("reduced");
  EXPECT_EQ(reduced.max_version, TlsVersion::kTls12);
  EXPECT_EQ(reduced.ciphers, modern.ciphers);
  const TlsProfile compat = built_in("compat");
  EXPECT_TRUE(compat.ciphers.starts_with(modern.ciphers + ":")) << "forward secrecy first";
  EXPECT_NE(compat.ciphers.find(":AES256-GCM-SHA384:"), std::string::npos) << "static RSA";
  EXPECT_EQ(compat.min_version, TlsVersion::kTls12);
  EXPECT_EQ(compat.security_level, 0);
  const TlsProfile antique = built_in("antique");
  EXPECT_EQ(antique.min_version, TlsVersion::kTls10);
  EXPECT_EQ(antique.ciphers, compat.ciphers);
  EXPECT_EQ(antique.security_level, 0);
}

}  // namespace
}  // namespace posthaste::policy
