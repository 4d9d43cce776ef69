// Resolver against a real nsd, and against a real validating unbound in front of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/resolver/asking.h"
#include "tests/unit/resolver/dns_servers.h"

namespace posthaste::resolver {
namespace {

using dns::AnswerStatus;
using dns::MxRecord;
using dns::RecordType;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

constexpr std::size_t kManyRecords = 200;

std::string big_zone() {
  std::string records;
  for (std::size_t i = 0; i < kManyRecords; ++i) {
    records += "big.plain.example. 60 IN MX " + std::to_string(i) +
               " a-rather-long-name-for-a-mail-host-" + std::to_string(i) + ".elsewhere.example.\n";
  }
  return records;
}

const std::vector<Zone>& zones() {
  static const std::vector<Zone> kZones{
      {.name = "plain.example",
       .records = "plain.example. 300 IN MX 10 mx1.plain.example.\n"
                  "plain.example. 300 IN MX 20 MX2.plain.example.\n"
                  "mx1.plain.example. 60 IN A 192.0.2.1\n"
                  "mx1.plain.example. 60 IN A 192.0.2.2\n"
                  "mx1.plain.example. 60 IN AAAA 2001:db8::1\n"
                  "alias.plain.example. 40 IN CNAME alias2.plain.example.\n"
                  "alias2.plain.example. 30 IN CNAME mx1.plain.example.\n"
                  "dangling.plain.example. 30 IN CNAME gone.plain.example.\n"
                  "null.plain.example. 60 IN MX 0 .\n"
                  "xn--bcher-kva.plain.example. 60 IN A 192.0.2.3\n" +
                  big_zone()},
      {.name = "good.example",
       .records =
           "good.example. 300 IN MX 10 mx.good.example.\nmx.good.example. 60 IN A 192.0.2.1\n",
       .sign = true},
      {.name = "bogus.example",
       .records = "bogus.example. 300 IN A 192.0.2.1\n",
       .sign = true,
       .tamper = true},
  };
  return kZones;
}

// Started once for all tests of the program.
class RealServersTest : public Asking {
 protected:
  static void SetUpTestSuite() {
    nsd_ = std::make_unique<NameServer>(zones());
    unbound_ = std::make_unique<ValidatingResolver>(*nsd_, zones());
  }
  static void TearDownTestSuite() {
    unbound_.reset();
    nsd_.reset();
  }
  void SetUp() override { use(options_for({nsd_->endpoint()})); }
  void use_unbound() { use(options_for({unbound_->endpoint()})); }

  static std::unique_ptr<NameServer> nsd_;
  static std::unique_ptr<ValidatingResolver> unbound_;
};
std::unique_ptr<NameServer> RealServersTest::nsd_;
std::unique_ptr<ValidatingResolver> RealServersTest::unbound_;

TEST_F(RealServersTest, MxAndBothKindsOfAddresses) {
  const Instant before = loop_.now();
  const dns::Answer mx = ask("plain.example", RecordType::kMx);
  EXPECT_THAT(mx.mx, UnorderedElementsAre(MxRecord{10, MxName("mx1.plain.example")},
                                          MxRecord{20, MxName("mx2.plain.example")}));
  EXPECT_GE(mx.expires, before + seconds(300));
  EXPECT_LE(mx.expires, loop_.fresh_now() + seconds(300));
  EXPECT_THAT(ask("mx1.plain.example", RecordType::kA).addresses,
              UnorderedElementsAre(ipv4(192, 0, 2, 1), ipv4(192, 0, 2, 2)));
  EXPECT_THAT(ask("mx1.plain.example", RecordType::kAaaa).addresses,
              UnorderedElementsAre(parse_ip("2001:db8::1").value()));
}

TEST_F(RealServersTest, ACnameChainIsFollowedWithItsLeastTimeToLive) {
  const Instant before = loop_.now();
  const dns::Answer answer = ask("alias.plain.example", RecordType::kA);
  EXPECT_EQ(answer.addresses.size(), 2U) << answer.words;
  EXPECT_GE(answer.expires, before + seconds(30));
  EXPECT_LE(answer.expires, loop_.fresh_now() + seconds(30));
}

TEST_F(RealServersTest, WhatIsNotThereIsNxDomainOrNoDataForAsLongAsTheSoaSays) {
  const Instant before = loop_.now();
  const dns::Answer gone = ask("gone.plain.example", RecordType::kMx);
  EXPECT_EQ(gone.status, AnswerStatus::kNxDomain);
  EXPECT_THAT(gone.words, HasSubstr("NXDOMAIN for gone.plain.example MX"));
  EXPECT_GE(gone.expires, before + seconds(7));
  EXPECT_LE(gone.expires, loop_.fresh_now() + seconds(7));
  EXPECT_EQ(ask("mx1.plain.example", RecordType::kMx).status, AnswerStatus::kNoData);
  EXPECT_EQ(ask("dangling.plain.example", RecordType::kA).status, AnswerStatus::kNxDomain);
}

TEST_F(RealServersTest, ANullMxIsARecord) {
  const dns::Answer answer = ask("null.plain.example", RecordType::kMx);
  EXPECT_THAT(answer.mx, UnorderedElementsAre(MxRecord{0, MxName()}));
}

TEST_F(RealServersTest, AnAnswerTooBigForUdpComesByTcp) {
  EXPECT_EQ(ask("big.plain.example", RecordType::kMx).mx.size(), kManyRecords);
}

TEST_F(RealServersTest, ANameInULabelsIsFound) {
  EXPECT_THAT(ask("b\xc3\xbc\x63her.plain.example", RecordType::kA).addresses,
              UnorderedElementsAre(ipv4(192, 0, 2, 3)));
}

TEST_F(RealServersTest, AZoneThatTheServerDoesNotHaveIsRefused) {
  const dns::Answer answer = ask("elsewhere.example", RecordType::kMx);
  EXPECT_EQ(answer.status, AnswerStatus::kRefused);
  EXPECT_EQ(answer.words,
            "REFUSED for elsewhere.example MX from " + render_endpoint(nsd_->endpoint()));
}

TEST_F(RealServersTest, AValidatingServerVouchesForSignedAnswersAndForTheirAbsence) {
  use_unbound();
  const dns::Answer mx = ask("good.example", RecordType::kMx);
  EXPECT_EQ(mx.status, AnswerStatus::kOk) << mx.words;
  EXPECT_TRUE(mx.authentic);
  const dns::Answer no_data = ask("mx.good.example", RecordType::kAaaa);
  EXPECT_EQ(no_data.status, AnswerStatus::kNoData);
  EXPECT_TRUE(no_data.authentic);
  const dns::Answer gone = ask("gone.good.example", RecordType::kA);
  EXPECT_EQ(gone.status, AnswerStatus::kNxDomain);
  EXPECT_TRUE(gone.authentic);
}

TEST_F(RealServersTest, NobodyVouchesForAnUnsignedZone) {
  use_unbound();
  const dns::Answer mx = ask("plain.example", RecordType::kMx);
  EXPECT_EQ(mx.status, AnswerStatus::kOk) << mx.words;
  EXPECT_FALSE(mx.authentic);
}

TEST_F(RealServersTest, AForgedAnswerIsAFailureAndNotAnAnswer) {
  use_unbound();
  const dns::Answer forged = ask("bogus.example", RecordType::kA);
  EXPECT_EQ(forged.status, AnswerStatus::kServFail) << forged.words;
  EXPECT_FALSE(forged.authentic);
  EXPECT_TRUE(forged.addresses.empty());
  use(options_for({nsd_->endpoint()}));
  EXPECT_EQ(ask("bogus.example", RecordType::kA).status, AnswerStatus::kOk)
      << "the zone itself is there: only its signatures are wrong";
}

TEST_F(RealServersTest, ManyQuestionsAtOnceAreAllAnswered) {
  constexpr int kQuestions = 2'000;
  use_unbound();
  int answered = 0;
  for (int i = 0; i < kQuestions; ++i) {
    resolver_->lookup({"h" + std::to_string(i) + ".good.example", RecordType::kA},
                      [&](const auto&, const dns::Answer& answer) {
                        EXPECT_EQ(answer.status, AnswerStatus::kNxDomain) << answer.words;
                        if (++answered == kQuestions) loop_.stop();
                      });
  }
  run();
  EXPECT_EQ(resolver_->stats().failures, 0U);
}

}  // namespace
}  // namespace posthaste::resolver
