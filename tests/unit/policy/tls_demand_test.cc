#include "lib/policy/tls_demand.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "lib/policy/fingerprint.h"

namespace posthaste::policy {
namespace {

using Dane = TlsEvidence::Dane;
using mail::TlsWish;
using Sts = TlsEvidence::Sts;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const RoutingDomain kDomain("example.com");
const MxName kHost("mx1.provider.example");
const dns::TlsaRecord kDigest{3, 1, 1, std::string(32, 'x')};
const dns::TlsaRecord kAnchor{2, 0, 1, std::string(32, 'a')};
const dns::TlsaRecord kPkixTa{0, 0, 1, std::string(32, 'p')};

TlsPolicy at_level(TlsLevel level) {
  TlsPolicy policy;
  policy.level = level;
  policy.fingerprints = {render_fingerprint(std::string(32, 'k'))};
  return policy;
}

TlsEvidence published(Dane dane) {
  TlsEvidence evidence;
  evidence.dane = dane;
  if (dane == Dane::kUsable) evidence.records = {kDigest};
  return evidence;
}

TlsEvidence published(Sts sts, bool names_host = true) {
  TlsEvidence evidence;
  evidence.sts = sts;
  evidence.sts_names_host = names_host;
  return evidence;
}

TlsJudgement judge(const TlsPolicy& policy, const TlsEvidence& evidence = {},
                   TlsWish wish = TlsWish::kPolicy) {
  return judge_tls(policy, kDomain, kHost, evidence, wish);
}
TlsJudgement judge(TlsLevel level, const TlsEvidence& evidence = {},
                   TlsWish wish = TlsWish::kPolicy) {
  return judge(at_level(level), evidence, wish);
}

constexpr TlsLevel kEveryLevel[] = {TlsLevel::kNone,    TlsLevel::kMay,      TlsLevel::kDane,
                                    TlsLevel::kEncrypt, TlsLevel::kDaneOnly, TlsLevel::kFingerprint,
                                    TlsLevel::kVerify,  TlsLevel::kSecure};
constexpr TlsWish kEveryWish[] = {TlsWish::kPolicy, TlsWish::kRequireTls, TlsWish::kOptional};

// Everything that can be published, and what can be said of it.
std::vector<TlsEvidence> every_evidence() {
  std::vector<TlsEvidence> all;
  for (const Dane dane : {Dane::kNone, Dane::kUsable, Dane::kUnusable, Dane::kTemporary}) {
    for (const Sts sts : {Sts::kNone, Sts::kTesting, Sts::kEnforce}) {
      for (int bits = 0; bits < 4; ++bits) {
        TlsEvidence evidence = published(dane);
        evidence.sts = sts;
        evidence.sts_names_host = (bits & 1) != 0;
        evidence.insecure_mx = (bits & 2) != 0;
        all.push_back(evidence);
      }
    }
  }
  return all;
}

TEST(JudgeTls, EachLevelAsksForWhatPostfixMeansByIt) {
  struct Row {
    TlsLevel level;
    bool encrypted;
    TlsAuthentication authentication;
    std::vector<std::string> names;
  };
  const Row rows[] = {
      {TlsLevel::kNone, false, TlsAuthentication::kNone, {}},
      {TlsLevel::kMay, false, TlsAuthentication::kNone, {}},
      {TlsLevel::kDane, false, TlsAuthentication::kNone, {}},
      {TlsLevel::kEncrypt, true, TlsAuthentication::kNone, {}},
      {TlsLevel::kFingerprint, true, TlsAuthentication::kPin, {}},
      {TlsLevel::kVerify, true, TlsAuthentication::kPkix, {"mx1.provider.example"}},
      {TlsLevel::kSecure, true, TlsAuthentication::kPkix, {"example.com", ".example.com"}},
  };
  for (const Row& row : rows) {
    const TlsJudgement found = judge(row.level);
    SCOPED_TRACE(name(row.level));
    EXPECT_EQ(found.barred, TlsFailure::kNone);
    EXPECT_EQ(found.demand.level, row.level);
    EXPECT_EQ(found.demand.source, TlsSource::kOperator);
    EXPECT_EQ(found.demand.encrypted, row.encrypted);
    EXPECT_EQ(found.demand.authentication, row.authentication);
    EXPECT_EQ(found.demand.names, row.names);
    EXPECT_EQ(found.demand.sni, row.level == TlsLevel::kNone ? "" : kHost.text());
  }
  EXPECT_EQ(judge(TlsLevel::kDaneOnly).barred, TlsFailure::kDaneRequired);
}

TEST(JudgeTls, APinIsATlsaRecordOfThePublicKey) {
  const TlsDemand demand = judge(TlsLevel::kFingerprint).demand;
  EXPECT_THAT(demand.records, ElementsAre(dns::TlsaRecord{3, 1, 1, std::string(32, 'k')}));
}

TEST(JudgeTls, NamesToMatchAreTheOperatorsWordsOrNames) {
  TlsPolicy policy = at_level(TlsLevel::kVerify);
  policy.match_names = {"nexthop", "hostname", "mail.partner.example", "dot-nexthop", "nexthop"};
  EXPECT_THAT(judge(policy).demand.names, ElementsAre("example.com", "mx1.provider.example",
                                                      "mail.partner.example", ".example.com"));
}

TEST(JudgeTls, AnAddressHasNoNamesBelowItAndIsNeverSni) {
  const auto secure = judge_tls(at_level(TlsLevel::kSecure), RoutingDomain("[192.0.2.1]"),
                                MxName("[192.0.2.1]"), {}, TlsWish::kPolicy);
  EXPECT_THAT(secure.demand.names, ElementsAre("[192.0.2.1]"));
  EXPECT_EQ(secure.demand.sni, "");
  for (const char* route : {"192.0.2.1", "2001:db8::1"}) {
    const auto verify =
        judge_tls(at_level(TlsLevel::kVerify), kDomain, MxName(route), {}, TlsWish::kPolicy);
    EXPECT_THAT(verify.demand.names, ElementsAre(route));
    EXPECT_EQ(verify.demand.sni, "") << route;
  }
}

TEST(JudgeTls, TrustAndIdentityAreTheOperatorsWhoeverRaisesTheLevel) {
  TlsPolicy policy = at_level(TlsLevel::kMay);
  policy.ca_file = "/ca.pem";
  policy.crl_file = "/crl.pem";
  policy.ocsp = OcspStapling::kRequire;
  policy.client_certificate = "/me.pem";
  policy.client_private_key = "/me.key";
  for (const TlsEvidence& evidence : {TlsEvidence(), published(Sts::kEnforce)}) {
    const TlsDemand demand = judge(policy, evidence).demand;
    EXPECT_EQ(demand.trust, (TrustStore{"/ca.pem", "/crl.pem"}));
    EXPECT_EQ(demand.identity, (ClientIdentity{"/me.pem", "/me.key"}));
    EXPECT_EQ(demand.ocsp, OcspStapling::kRequire);
  }
}

TEST(JudgeTls, UsableRecordsMakeDaneOfEveryLevelThatNamesNoOtherProof) {
  for (const TlsLevel level :
       {TlsLevel::kMay, TlsLevel::kDane, TlsLevel::kEncrypt, TlsLevel::kDaneOnly}) {
    TlsEvidence evidence = published(Dane::kUsable);
    evidence.tlsa_base = "real.provider.example";
    const TlsJudgement found = judge(level, evidence);
    SCOPED_TRACE(name(level));
    EXPECT_EQ(found.barred, TlsFailure::kNone);
    EXPECT_EQ(found.demand.level,
              level == TlsLevel::kDaneOnly ? TlsLevel::kDaneOnly : TlsLevel::kDane);
    EXPECT_EQ(found.demand.source, TlsSource::kDane);
    EXPECT_TRUE(found.demand.encrypted);
    EXPECT_EQ(found.demand.authentication, TlsAuthentication::kDane);
    EXPECT_THAT(found.demand.records, ElementsAre(kDigest));
    EXPECT_THAT(found.demand.names, ElementsAre("real.provider.example", "example.com"));
    EXPECT_EQ(found.demand.sni, "real.provider.example");
  }
}

TEST(JudgeTls, DaneNamesAreTakenAsTheyWereFound) {
  TlsEvidence evidence = published(Dane::kUsable);
  evidence.dane_names = {"a.example", "b.example"};
  EXPECT_THAT(judge(TlsLevel::kMay, evidence).demand.names, ElementsAre("a.example", "b.example"));
}

TEST(JudgeTls, RecordsThatSmtpCannotUseNeverAuthenticate) {
  TlsEvidence evidence = published(Dane::kUsable);
  evidence.records = {kPkixTa, kAnchor};
  EXPECT_THAT(judge(TlsLevel::kMay, evidence).demand.records, ElementsAre(kAnchor));
  evidence.records = {kPkixTa};
  const TlsDemand demand = judge(TlsLevel::kMay, evidence).demand;
  EXPECT_TRUE(demand.encrypted);
  EXPECT_EQ(demand.authentication, TlsAuthentication::kNone);
  EXPECT_EQ(demand.source, TlsSource::kDane);
}

TEST(JudgeTls, UnusableRecordsMeanTlsWithoutAName) {
  for (const TlsLevel level : {TlsLevel::kMay, TlsLevel::kDane, TlsLevel::kEncrypt}) {
    const TlsDemand demand = judge(level, published(Dane::kUnusable)).demand;
    EXPECT_EQ(demand.level, TlsLevel::kEncrypt);
    EXPECT_TRUE(demand.encrypted);
    EXPECT_EQ(demand.authentication, TlsAuthentication::kNone);
  }
  EXPECT_EQ(judge(TlsLevel::kDaneOnly, published(Dane::kUnusable)).barred,
            TlsFailure::kDaneRequired);
}

TEST(JudgeTls, AFailedLookupBarsTheHostWhereDaneApplies) {
  for (const TlsLevel level : kEveryLevel) {
    const bool applies = level == TlsLevel::kMay || level == TlsLevel::kDane ||
                         level == TlsLevel::kEncrypt || level == TlsLevel::kDaneOnly;
    EXPECT_EQ(judge(level, published(Dane::kTemporary)).barred,
              applies ? TlsFailure::kDaneLookup : TlsFailure::kNone)
        << name(level);
  }
}

TEST(JudgeTls, DaneCanBeSwitchedOffButNotUnderItsOwnLevels) {
  for (const TlsLevel level : kEveryLevel) {
    TlsPolicy policy = at_level(level);
    policy.dane = false;
    const bool applies = level == TlsLevel::kDane || level == TlsLevel::kDaneOnly;
    EXPECT_EQ(judge(policy, published(Dane::kUsable)).demand.source,
              applies ? TlsSource::kDane : TlsSource::kOperator)
        << name(level);
  }
}

TEST(JudgeTls, EnforcedMtaStsDemandsTheHostsNameAndBarsOthers) {
  for (const TlsLevel level : {TlsLevel::kMay, TlsLevel::kDane, TlsLevel::kEncrypt}) {
    const TlsJudgement named = judge(level, published(Sts::kEnforce));
    EXPECT_EQ(named.barred, TlsFailure::kNone);
    EXPECT_TRUE(named.demand.encrypted);
    EXPECT_EQ(named.demand.source, TlsSource::kMtaSts);
    EXPECT_EQ(named.demand.authentication, TlsAuthentication::kPkix);
    EXPECT_THAT(named.demand.names, ElementsAre(kHost.text()));
    EXPECT_EQ(named.demand.sni, kHost.text());
    EXPECT_EQ(judge(level, published(Sts::kEnforce, false)).barred, TlsFailure::kStsMxMismatch);
  }
}

TEST(JudgeTls, TheOperatorsProofStandsAndMtaStsStillBarsHosts) {
  for (const TlsLevel level : {TlsLevel::kFingerprint, TlsLevel::kVerify, TlsLevel::kSecure}) {
    EXPECT_EQ(judge(level, published(Sts::kEnforce)), judge(level)) << name(level);
    EXPECT_EQ(judge(level, published(Sts::kEnforce, false)).barred, TlsFailure::kStsMxMismatch);
    EXPECT_EQ(judge(level, published(Dane::kUsable)), judge(level)) << name(level);
  }
}

TEST(JudgeTls, TestingMtaStsChangesNothingButSaysWhatItWould) {
  for (const TlsLevel level : kEveryLevel) {
    for (const bool names_host : {false, true}) {
      TlsJudgement found = judge(level, published(Sts::kTesting, names_host));
      const bool raises =
          level == TlsLevel::kMay || level == TlsLevel::kDane || level == TlsLevel::kEncrypt;
      const bool has_say = level != TlsLevel::kNone && level != TlsLevel::kDaneOnly;
      EXPECT_EQ(found.sts_testing, has_say && (raises || !names_host)) << name(level);
      found.sts_testing = false;
      EXPECT_EQ(found, judge(level)) << name(level);
    }
  }
}

TEST(JudgeTls, AVerdictOfDaneComesBeforeMtaSts) {
  for (const Dane dane : {Dane::kUsable, Dane::kTemporary}) {
    TlsEvidence evidence = published(dane);
    const TlsJudgement alone = judge(TlsLevel::kMay, evidence);
    evidence.sts = Sts::kEnforce;
    EXPECT_EQ(judge(TlsLevel::kMay, evidence), alone);
    TlsPolicy without = at_level(TlsLevel::kMay);
    without.dane = false;
    EXPECT_EQ(judge(without, evidence).barred, TlsFailure::kStsMxMismatch);
  }
}

TEST(JudgeTls, RecordsThatNobodyCanUseDoNotSwitchMtaStsOff) {
  TlsEvidence mislabelled = published(Dane::kUnusable);  // as usable, by whoever looked them up
  mislabelled.dane = Dane::kUsable;
  mislabelled.records = {{.usage = 0, .selector = 0, .matching = 0, .data = "x"}};
  for (TlsEvidence evidence : {published(Dane::kUnusable), mislabelled}) {
    for (const TlsLevel level : {TlsLevel::kMay, TlsLevel::kDane, TlsLevel::kEncrypt}) {
      evidence.sts = Sts::kEnforce;
      evidence.sts_names_host = true;
      EXPECT_EQ(judge(level, evidence), judge(level, published(Sts::kEnforce))) << name(level);
      evidence.sts_names_host = false;
      EXPECT_EQ(judge(level, evidence).barred, TlsFailure::kStsMxMismatch) << name(level);
      evidence.sts = Sts::kTesting;
      const TlsJudgement tested = judge(level, evidence);
      EXPECT_TRUE(tested.sts_testing);
      EXPECT_EQ(tested.demand.level, TlsLevel::kEncrypt) << "as the records promise";
    }
    EXPECT_EQ(judge(TlsLevel::kDaneOnly, evidence).barred, TlsFailure::kDaneRequired);
  }
}

TEST(JudgeTls, MtaStsCanBeSwitchedOff) {
  TlsPolicy policy = at_level(TlsLevel::kMay);
  policy.mta_sts = false;
  EXPECT_EQ(judge(policy, published(Sts::kEnforce, false)), judge(policy));
}

TEST(JudgeTls, RequireTlsAsksForAVerifiedNameAndTheHostsPromise) {
  for (const TlsLevel level : {TlsLevel::kMay, TlsLevel::kDane, TlsLevel::kEncrypt}) {
    for (const Dane dane : {Dane::kNone, Dane::kUnusable}) {
      const TlsDemand demand = judge(level, published(dane), TlsWish::kRequireTls).demand;
      EXPECT_TRUE(demand.requiretls);
      EXPECT_TRUE(demand.encrypted);
      EXPECT_EQ(demand.source, TlsSource::kRequireTls);
      EXPECT_EQ(demand.authentication, TlsAuthentication::kPkix);
      EXPECT_THAT(demand.names, ElementsAre(kHost.text()));
    }
  }
  const TlsDemand dane =
      judge(TlsLevel::kMay, published(Dane::kUsable), TlsWish::kRequireTls).demand;
  EXPECT_TRUE(dane.requiretls);
  EXPECT_EQ(dane.authentication, TlsAuthentication::kDane);
  EXPECT_EQ(judge(TlsLevel::kNone, {}, TlsWish::kRequireTls).barred,
            TlsFailure::kRequireTlsMissing);
}

TEST(JudgeTls, RequireTlsWantsTheNameOfTheHostVouchedFor) {
  TlsEvidence evidence;
  evidence.insecure_mx = true;
  const auto barred = [&](TlsLevel level) {
    return judge(level, evidence, TlsWish::kRequireTls).barred == TlsFailure::kRequireTlsMissing;
  };
  EXPECT_TRUE(barred(TlsLevel::kMay));
  EXPECT_TRUE(barred(TlsLevel::kVerify)) << "the name to be verified is the insecure one";
  EXPECT_FALSE(barred(TlsLevel::kSecure));
  EXPECT_FALSE(barred(TlsLevel::kFingerprint));
  evidence.sts = Sts::kTesting;
  EXPECT_TRUE(barred(TlsLevel::kMay));
  evidence.sts_names_host = true;
  EXPECT_FALSE(barred(TlsLevel::kMay));
}

TEST(JudgeTls, AnOptionalWishSilencesOthersAndNeverTheOperator) {
  for (const TlsLevel level : kEveryLevel) {
    for (const TlsEvidence& evidence : every_evidence()) {
      if (level == TlsLevel::kDaneOnly) continue;
      EXPECT_EQ(judge(level, evidence, TlsWish::kOptional), judge(level)) << name(level);
    }
  }
  const auto only = judge(TlsLevel::kDaneOnly, published(Dane::kUsable), TlsWish::kOptional);
  EXPECT_EQ(only.demand.authentication, TlsAuthentication::kDane);
  EXPECT_EQ(judge(TlsLevel::kDaneOnly, {}, TlsWish::kOptional).barred, TlsFailure::kDaneRequired);
}

// The rule that all others serve.
TEST(JudgeTls, NothingThatOthersSayLowersWhatTheOperatorAskedFor) {
  for (const TlsLevel level : kEveryLevel) {
    const TlsDemand own = judge(level).demand;
    for (const TlsEvidence& evidence : every_evidence()) {
      for (const TlsWish wish : kEveryWish) {
        const TlsJudgement found = judge(level, evidence, wish);
        SCOPED_TRACE(name(level));
        EXPECT_TRUE(found.demand.encrypted || !own.encrypted);
        EXPECT_TRUE(found.demand.encrypted ||
                    found.demand.authentication == TlsAuthentication::kNone);
        if (own.authentication != TlsAuthentication::kNone) {
          EXPECT_EQ(found.demand.authentication, own.authentication);
          EXPECT_EQ(found.demand.names, own.names);
          EXPECT_EQ(found.demand.records, own.records);
        }
        EXPECT_FALSE(found.demand.encrypted && level == TlsLevel::kNone);
        if (wish == TlsWish::kRequireTls && found.barred == TlsFailure::kNone) {
          EXPECT_TRUE(found.demand.requiretls);
          EXPECT_NE(found.demand.authentication, TlsAuthentication::kNone);
        }
      }
    }
  }
}

TEST(Satisfies, AsksForNoLessThanTheDemand) {
  TlsFacts observed;
  TlsFacts pkix;
  pkix.verified = true;
  pkix.authenticated_by = TlsAuthentication::kPkix;
  TlsFacts dane = pkix;
  dane.authenticated_by = TlsAuthentication::kDane;
  TlsFacts unverified = pkix;
  unverified.verified = false;

  const TlsDemand may = judge(TlsLevel::kMay).demand;
  EXPECT_TRUE(satisfies(may, std::nullopt));
  EXPECT_TRUE(satisfies(may, observed));
  const TlsDemand encrypt = judge(TlsLevel::kEncrypt).demand;
  EXPECT_FALSE(satisfies(encrypt, std::nullopt));
  EXPECT_TRUE(satisfies(encrypt, observed));
  const TlsDemand verify = judge(TlsLevel::kVerify).demand;
  EXPECT_FALSE(satisfies(verify, std::nullopt));
  EXPECT_FALSE(satisfies(verify, observed));
  EXPECT_FALSE(satisfies(verify, unverified));
  EXPECT_FALSE(satisfies(verify, dane));
  EXPECT_TRUE(satisfies(verify, pkix));
}

TEST(KeyOf, TellsApartWhateverASessionHadToProve) {
  std::vector<TlsDemand> demands(1);
  const auto changed = [&](auto change) {
    TlsDemand demand;
    change(demand);
    demands.push_back(demand);
  };
  changed([](TlsDemand& d) { d.level = TlsLevel::kEncrypt; });
  changed([](TlsDemand& d) { d.encrypted = true; });
  changed([](TlsDemand& d) { d.requiretls = true; });
  changed([](TlsDemand& d) { d.source = TlsSource::kMtaSts; });
  changed([](TlsDemand& d) { d.authentication = TlsAuthentication::kPkix; });
  changed([](TlsDemand& d) { d.names = {"a", "b"}; });
  changed([](TlsDemand& d) { d.names = {"ab"}; });
  changed([](TlsDemand& d) { d.records = {kDigest}; });
  changed([](TlsDemand& d) { d.records = {kAnchor}; });
  changed([](TlsDemand& d) { d.sni = "a"; });
  changed([](TlsDemand& d) { d.trust.ca_file = "a"; });
  changed([](TlsDemand& d) { d.trust.crl_file = "a"; });
  changed([](TlsDemand& d) { d.ocsp = OcspStapling::kRequire; });
  changed([](TlsDemand& d) { d.identity.certificate_file = "a"; });
  changed([](TlsDemand& d) { d.identity.private_key_file = "a"; });
  std::set<std::string> keys;
  for (const TlsDemand& demand : demands) keys.insert(key_of(demand));
  EXPECT_EQ(keys.size(), demands.size());
}

TEST(KeyOf, DoesNotDependOnTheOrderOfAnswers) {
  TlsDemand one;
  one.names = {"a", "b"};
  one.records = {kDigest, kAnchor};
  TlsDemand other;
  other.names = {"b", "a"};
  other.records = {kAnchor, kDigest};
  other.source = TlsSource::kDane;
  EXPECT_EQ(key_of(one), key_of(other));
}

TEST(TlsSources, HaveTheNamesOfTheMetrics) {
  EXPECT_EQ(name(TlsSource::kOperator), "operator");
  EXPECT_EQ(name(TlsSource::kDane), "dane");
  EXPECT_EQ(name(TlsSource::kMtaSts), "mta_sts");
  EXPECT_EQ(name(TlsSource::kRequireTls), "requiretls");
}

}  // namespace
}  // namespace posthaste::policy
