#include "lib/dns/dane.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <utility>

namespace posthaste::dns {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Instant kNow{std::chrono::hours(1)};
const MxName kHost("mx.example.com");
const std::string kTlsaName = "_25._tcp.mx.example.com";
const std::string kEndName = "_25._tcp.end.example.net";
const TlsaRecord kDigest{3, 1, 1, std::string(32, 'd')};
const TlsaRecord kAnchor{2, 0, 2, std::string(64, 'a')};
const TlsaRecord kPkix{1, 1, 1, std::string(32, 'p')};

Answer answer(AnswerStatus status, bool authentic = true, Duration life = minutes(10)) {
  Answer made;
  made.status = status;
  made.authentic = authentic && !temporary(status);
  made.expires = kNow + life;
  made.words = std::string(name(status)) + " said the server";
  return made;
}

Answer address(bool authentic, std::string canonical = {}) {
  Answer made = answer(AnswerStatus::kOk, authentic);
  made.addresses.push_back(ipv4(192, 0, 2, 1));
  made.canonical = std::move(canonical);
  return made;
}

Answer tlsa(std::vector<TlsaRecord> records, bool authentic = true) {
  Answer made = answer(AnswerStatus::kOk, authentic);
  made.tlsa = std::move(records);
  return made;
}

const Answer kNoAaaa = answer(AnswerStatus::kNoData);

// A search that is answered from `known`, and what it asked for.
struct Outcome {
  DanePlan plan;
  std::vector<Question> asked;
};

Outcome run(DaneSearch search, const std::map<Question, Answer>& known) {
  Outcome outcome;
  while (const Question* question = search.question()) {
    outcome.asked.push_back(*question);
    const auto found = known.find(*question);
    if (found == known.end()) {
      ADD_FAILURE() << "asked for " << question->name << " " << name(question->type);
      return outcome;
    }
    search.on_answer(found->second);
  }
  outcome.plan = search.plan();
  return outcome;
}

Outcome run(const Answer& a, const std::map<Question, Answer>& known) {
  return run(DaneSearch(25, kHost, true, a, kNoAaaa), known);
}

Question tlsa_at(const std::string& name) { return {name, RecordType::kTlsa}; }
const Question kCnameQuestion{"mx.example.com", RecordType::kCname};

TEST(TlsaName, HasThePortAndTheFoldedHost) {
  EXPECT_EQ(tlsa_name(25, "MX.Example.com."), kTlsaName);
  EXPECT_EQ(tlsa_name(465, "xn--bcher-kva.example"), "_465._tcp.xn--bcher-kva.example");
}

TEST(DaneSearch, FindsTheUsableRecordsOfASecureHostInALastingOrder) {
  const Outcome outcome =
      run(address(true), {{tlsa_at(kTlsaName), tlsa({kDigest, kPkix, kAnchor})}});
  EXPECT_EQ(outcome.plan.state, DaneState::kUsable);
  EXPECT_THAT(outcome.plan.records, ElementsAre(kAnchor, kDigest));
  EXPECT_EQ(outcome.plan.base, "mx.example.com");
  EXPECT_EQ(outcome.plan.words, "2 usable TLSA records at " + kTlsaName);
  EXPECT_EQ(run(address(true), {{tlsa_at(kTlsaName), tlsa({kAnchor, kDigest})}}).plan.records,
            outcome.plan.records);
}

TEST(DaneSearch, AsksNothingWhereTheMxOrBothAddressesAreInsecure) {
  const Outcome mx = run(DaneSearch(25, kHost, false, address(true), address(true)), {});
  EXPECT_EQ(mx.plan.state, DaneState::kNone);
  EXPECT_EQ(mx.plan.words, "the MX records that name mx.example.com are insecure");
  const Outcome host = run(DaneSearch(25, kHost, true, address(false), address(false)), {});
  EXPECT_EQ(host.plan.state, DaneState::kNone);
  EXPECT_EQ(host.plan.words, "the addresses of mx.example.com are insecure");
}

TEST(DaneSearch, IsSatisfiedWithOneSecureAddressAnswer) {
  const std::map<Question, Answer> known{{tlsa_at(kTlsaName), tlsa({kDigest})}};
  for (const AnswerStatus other : {AnswerStatus::kNoData, AnswerStatus::kServFail}) {
    EXPECT_EQ(run(DaneSearch(25, kHost, true, address(true), answer(other)), known).plan.state,
              DaneState::kUsable);
    EXPECT_EQ(run(DaneSearch(25, kHost, true, answer(other), address(true)), known).plan.state,
              DaneState::kUsable);
  }
}

TEST(DaneSearch, AnAnswerWithoutAddressesIsNoSecureHost) {
  const Answer none = answer(AnswerStatus::kNoData);
  EXPECT_EQ(run(DaneSearch(25, kHost, true, none, none), {}).plan.state, DaneState::kNone);
  const Answer failed = answer(AnswerStatus::kTimeout);
  EXPECT_EQ(run(DaneSearch(25, kHost, true, none, failed), {}).plan.state, DaneState::kTemporary);
  EXPECT_EQ(run(DaneSearch(25, kHost, true, failed, none), {}).plan.state, DaneState::kTemporary);
}

TEST(DaneSearch, TakesWhatDnsDoesNotSayForAReasonToWait) {
  for (const AnswerStatus status : {AnswerStatus::kServFail, AnswerStatus::kTimeout,
                                    AnswerStatus::kMalformed, AnswerStatus::kRefused}) {
    const Outcome outcome =
        run(address(true), {{tlsa_at(kTlsaName), answer(status, false, seconds(5))}});
    EXPECT_EQ(outcome.plan.state, DaneState::kTemporary);
    EXPECT_EQ(outcome.plan.words, std::string(name(status)) + " said the server");
    EXPECT_EQ(outcome.plan.expires, kNow + seconds(5));
    EXPECT_EQ(outcome.plan.base, "");
  }
}

TEST(DaneSearch, TakesAbsentOrInsecureRecordsForNone) {
  for (const Answer& absent :
       {answer(AnswerStatus::kNoData), answer(AnswerStatus::kNxDomain),
        answer(AnswerStatus::kNoData, false), answer(AnswerStatus::kNxDomain, false)}) {
    const Outcome outcome = run(address(true), {{tlsa_at(kTlsaName), absent}});
    EXPECT_EQ(outcome.plan.state, DaneState::kNone);
    EXPECT_EQ(outcome.plan.words, "no TLSA record at " + kTlsaName);
  }
  const Outcome forged = run(address(true), {{tlsa_at(kTlsaName), tlsa({kDigest}, false)}});
  EXPECT_EQ(forged.plan.state, DaneState::kNone);
  EXPECT_THAT(forged.plan.records, IsEmpty());
  EXPECT_EQ(forged.plan.words, "the TLSA records at " + kTlsaName + " are insecure");
}

TEST(DaneSearch, WantsTlsWhereSecureRecordsAreAllUnusable) {
  const TlsaRecord short_digest{3, 1, 1, "\xab\xcd"};
  const Outcome outcome = run(address(true), {{tlsa_at(kTlsaName), tlsa({short_digest, kPkix})}});
  EXPECT_EQ(outcome.plan.state, DaneState::kUnusable);
  EXPECT_THAT(outcome.plan.records, IsEmpty());
  EXPECT_EQ(outcome.plan.base, "mx.example.com");
  EXPECT_THAT(outcome.plan.words,
              HasSubstr("no usable TLSA record at " + kTlsaName + ": 3 1 1 abcd; 1 1 1 7070"));
  const Outcome malformed = run(address(true), {{tlsa_at(kTlsaName), tlsa({})}});
  EXPECT_EQ(malformed.plan.state, DaneState::kUnusable) << "there was a record, of two octets";
}

TEST(DaneSearch, HasFewWordsForManyUnusableRecords) {
  std::vector<TlsaRecord> many(100, TlsaRecord{9, 9, 9, std::string(1000, 'x')});
  const Outcome outcome = run(address(true), {{tlsa_at(kTlsaName), tlsa(std::move(many))}});
  EXPECT_LT(outcome.plan.words.size(), 1000U);
}

TEST(DaneSearch, AsksTheEndOfASecureChainFirst) {
  const Outcome outcome =
      run(address(true, "end.example.net"), {{tlsa_at(kEndName), tlsa({kDigest})}});
  EXPECT_EQ(outcome.plan.state, DaneState::kUsable);
  EXPECT_EQ(outcome.plan.base, "end.example.net");
  EXPECT_THAT(outcome.asked, ElementsAre(tlsa_at(kEndName)));
}

TEST(DaneSearch, AsksTheHostsOwnNameWhereTheEndOfItsChainHasNoSecureRecords) {
  for (const Answer& absent : {answer(AnswerStatus::kNxDomain), tlsa({kAnchor}, false)}) {
    const Outcome outcome =
        run(address(true, "end.example.net"),
            {{tlsa_at(kEndName), absent}, {tlsa_at(kTlsaName), tlsa({kDigest})}});
    EXPECT_EQ(outcome.plan.state, DaneState::kUsable);
    EXPECT_EQ(outcome.plan.base, "mx.example.com");
    EXPECT_THAT(outcome.asked, ElementsAre(tlsa_at(kEndName), tlsa_at(kTlsaName)));
  }
}

TEST(DaneSearch, DoesNotPassOverAFailureOrUnusableRecordsAtTheEndOfTheChain) {
  const Answer chain = address(true, "end.example.net");
  EXPECT_EQ(run(chain, {{tlsa_at(kEndName), answer(AnswerStatus::kServFail)}}).plan.state,
            DaneState::kTemporary);
  EXPECT_EQ(run(chain, {{tlsa_at(kEndName), tlsa({kPkix})}}).plan.state, DaneState::kUnusable);
}

TEST(DaneSearch, AsksForTheCnameWhereOnlyTheAddressesBehindItAreInsecure) {
  const Answer chain = address(false, "end.example.net");
  const Outcome secure = run(
      chain, {{kCnameQuestion, answer(AnswerStatus::kOk)}, {tlsa_at(kTlsaName), tlsa({kDigest})}});
  EXPECT_EQ(secure.plan.state, DaneState::kUsable);
  EXPECT_EQ(secure.plan.base, "mx.example.com") << "never the insecure one";
  const Outcome insecure = run(chain, {{kCnameQuestion, answer(AnswerStatus::kOk, false)}});
  EXPECT_EQ(insecure.plan.state, DaneState::kNone);
  const Outcome failed = run(chain, {{kCnameQuestion, answer(AnswerStatus::kServFail)}});
  EXPECT_EQ(failed.plan.state, DaneState::kTemporary);
  const Outcome changed = run(chain, {{kCnameQuestion, answer(AnswerStatus::kNoData)}});
  EXPECT_EQ(changed.plan.state, DaneState::kTemporary) << "a secure zone without the CNAME";
}

TEST(DaneSearch, LastsAsLongAsTheFirstAnswerThatItRestsOn) {
  Answer a = address(true, "end.example.net");
  a.expires = kNow + minutes(3);
  Answer first = answer(AnswerStatus::kNoData, true, minutes(1));
  const std::map<Question, Answer> known{{tlsa_at(kEndName), first},
                                         {tlsa_at(kTlsaName), tlsa({kDigest})}};
  EXPECT_EQ(run(a, known).plan.expires, kNow + minutes(1));
  const Answer failed = answer(AnswerStatus::kServFail, false, seconds(5));
  EXPECT_EQ(run(DaneSearch(25, kHost, true, a, failed), known).plan.expires, kNow + minutes(1));
  first.expires = kNow + minutes(9);
  EXPECT_EQ(
      run(a, {{tlsa_at(kEndName), first}, {tlsa_at(kTlsaName), tlsa({kDigest})}}).plan.expires,
      kNow + minutes(3));
}

TEST(HostsSecure, ByTheMxRecordsOrWithoutAny) {
  Answer mx = answer(AnswerStatus::kOk, false);
  mx.mx = {{10, kHost}};
  EXPECT_FALSE(hosts_secure(mx));
  mx.authentic = true;
  EXPECT_TRUE(hosts_secure(mx));
  EXPECT_TRUE(hosts_secure(answer(AnswerStatus::kNoData, false))) << "its own host";
}

TEST(DaneNames, AreTheBaseAndTheDomainBeforeAndAfterItsCnames) {
  DanePlan plan;
  plan.base = "mx.example.com";
  Answer mx = answer(AnswerStatus::kOk);
  mx.mx = {{10, kHost}};
  const RoutingDomain domain("example.com");
  EXPECT_THAT(dane_names(plan, domain, mx), ElementsAre("mx.example.com", "example.com"));
  mx.canonical = "real.example.net";
  EXPECT_THAT(dane_names(plan, domain, mx),
              ElementsAre("mx.example.com", "example.com", "real.example.net"));
  EXPECT_THAT(dane_names(plan, domain, answer(AnswerStatus::kNoData)),
              ElementsAre("mx.example.com"))
      << "no MX record names the host";
}

}  // namespace
}  // namespace posthaste::dns
