// What DANE and MTA-STS ask for, from zones that are really signed, through a real validating
// unbound.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/dns/dane.h"
#include "tests/unit/resolver/asking.h"
#include "tests/unit/resolver/dns_servers.h"

namespace posthaste::resolver {
namespace {

using dns::AnswerStatus;
using dns::DanePlan;
using dns::DaneState;
using dns::RecordType;
using dns::TlsaRecord;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

constexpr std::size_t kManyRecords = 100;  // of 44 octets or more: three times what UDP takes
const std::string kSha256 = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

std::string many_records() {
  std::string records;
  for (std::size_t i = 0; i < kManyRecords; ++i) {
    records += "_25._tcp.big.good.example. 60 IN TLSA 3 1 1 " + std::to_string(1000 + i) +
               kSha256.substr(4) + "\n";
  }
  return records + "big.good.example. 60 IN A 192.0.2.1\n";
}

std::string good_zone() {
  return "good.example. 300 IN MX 10 mx.good.example.\n"
         "mx.good.example. 60 IN A 192.0.2.1\n"
         "_25._tcp.mx.good.example. 60 IN TLSA 3 1 1 " +
         kSha256 +
         "\n"
         "_25._tcp.mx.good.example. 60 IN TLSA 1 1 1 " +
         kSha256 +
         "\n"
         "bare.good.example. 60 IN AAAA 2001:db8::1\n"
         "pkix.good.example. 60 IN A 192.0.2.1\n"
         "_25._tcp.pkix.good.example. 60 IN TLSA 0 0 1 " +
         kSha256 +
         "\n"
         "alias.good.example. 60 IN CNAME mx.good.example.\n"
         "out.good.example. 60 IN CNAME mx.plain.example.\n"
         "_25._tcp.out.good.example. 60 IN TLSA 2 1 1 " +
         kSha256 +
         "\n"
         "dark.good.example. 60 IN A 192.0.2.1\n"
         "_25._tcp.dark.good.example. 60 IN CNAME _25._tcp.bogus.example.\n"
         "_mta-sts.good.example. 60 IN TXT \"v=STSv1; \" \"id=20240101;\"\n"
         "_mta-sts.good.example. 60 IN TXT \"something else\"\n"
         "xn--bcher-kva.good.example. 60 IN A 192.0.2.3\n"
         "_25._tcp.xn--bcher-kva.good.example. 60 IN TLSA 3 1 1 " +
         kSha256 + "\n" + many_records();
}

const std::vector<Zone>& zones() {
  static const std::vector<Zone> kZones{
      {.name = "good.example", .records = good_zone(), .sign = true},
      {.name = "plain.example",
       .records = "mx.plain.example. 60 IN A 192.0.2.1\n"
                  "_25._tcp.mx.plain.example. 60 IN TLSA 3 1 1 " +
                  kSha256 + "\n"},
      {.name = "bogus.example",
       // Tampering changes this octet string, wherever it stands.
       .records = "_25._tcp.bogus.example. 60 IN CNAME 192.0.2.1.good.example.\n",
       .sign = true,
       .tamper = true},
  };
  return kZones;
}

// Started once for all tests of the program.
class DaneLookupTest : public Asking {
 protected:
  static void SetUpTestSuite() {
    nsd_ = std::make_unique<NameServer>(zones());
    unbound_ = std::make_unique<ValidatingResolver>(*nsd_, zones());
  }
  static void TearDownTestSuite() {
    unbound_.reset();
    nsd_.reset();
  }
  void SetUp() override { use(options_for({unbound_->endpoint()})); }

  DanePlan search(const std::string& host) {
    const dns::Answer a = ask(host, RecordType::kA);
    dns::DaneSearch search(25, MxName(host), true, a, ask(host, RecordType::kAaaa));
    while (const dns::Question* question = search.question()) {
      search.on_answer(ask(question->name, question->type));
    }
    return search.plan();
  }

  static std::unique_ptr<NameServer> nsd_;
  static std::unique_ptr<ValidatingResolver> unbound_;
};
std::unique_ptr<NameServer> DaneLookupTest::nsd_;
std::unique_ptr<ValidatingResolver> DaneLookupTest::unbound_;

TEST_F(DaneLookupTest, ASecureHostsRecordsAreFound) {
  const DanePlan plan = search("mx.good.example");
  EXPECT_EQ(plan.state, DaneState::kUsable) << plan.words;
  ASSERT_EQ(plan.records.size(), 1U);
  EXPECT_EQ(dns::render(plan.records.front()), "3 1 1 " + kSha256);
  EXPECT_EQ(search("bare.good.example").state, DaneState::kNone);
  EXPECT_EQ(search("pkix.good.example").state, DaneState::kUnusable);
}

TEST_F(DaneLookupTest, AnInsecureHostHasNoneWhateverItsZoneSays) {
  EXPECT_EQ(ask("_25._tcp.mx.plain.example", RecordType::kTlsa).tlsa.size(), 1U);
  EXPECT_EQ(search("mx.plain.example").words, "the addresses of mx.plain.example are insecure");
}

TEST_F(DaneLookupTest, TheEndOfASecureChainIsTheBase) {
  const DanePlan plan = search("alias.good.example");
  EXPECT_EQ(plan.state, DaneState::kUsable) << plan.words;
  EXPECT_EQ(plan.base, "mx.good.example");
}

TEST_F(DaneLookupTest, ASecureCnameThatLeadsToAnInsecureHostIsItsOwnBase) {
  const dns::Answer address = ask("out.good.example", RecordType::kA);
  EXPECT_FALSE(address.authentic);
  EXPECT_EQ(address.canonical, "mx.plain.example");
  EXPECT_TRUE(ask("out.good.example", RecordType::kCname).authentic);
  const DanePlan plan = search("out.good.example");
  EXPECT_EQ(plan.state, DaneState::kUsable) << plan.words;
  EXPECT_EQ(plan.base, "out.good.example");
  EXPECT_EQ(plan.records.at(0).usage, 2);
}

TEST_F(DaneLookupTest, RecordsWhoseSignaturesAreWrongAreAReasonToWait) {
  const DanePlan plan = search("dark.good.example");
  EXPECT_EQ(plan.state, DaneState::kTemporary);
  EXPECT_THAT(plan.words, HasSubstr("SERVFAIL for _25._tcp.dark.good.example TLSA"));
}

TEST_F(DaneLookupTest, RecordsTooManyForUdpComeByTcpAndStayAuthentic) {
  const dns::Answer answer = ask("_25._tcp.big.good.example", RecordType::kTlsa);
  EXPECT_EQ(answer.tlsa.size(), kManyRecords) << answer.words;
  EXPECT_TRUE(answer.authentic);
  EXPECT_EQ(search("big.good.example").records.size(), kManyRecords);
}

TEST_F(DaneLookupTest, AHostInULabelsIsFound) {
  EXPECT_EQ(search("b\xc3\xbc\x63her.good.example").state, DaneState::kUsable);
}

TEST_F(DaneLookupTest, TheStringsOfATextRecordAreOneText) {
  const dns::Answer answer = ask("_mta-sts.good.example", RecordType::kTxt);
  EXPECT_THAT(answer.texts, UnorderedElementsAre("v=STSv1; id=20240101;", "something else"));
  EXPECT_TRUE(answer.authentic);
}

TEST_F(DaneLookupTest, NobodyIsBelievedWhereOneServerIsNotOnThisMachine) {
  use(options_for({unbound_->endpoint(), {parse_ip("192.0.2.53").value(), 53}}));
  EXPECT_FALSE(resolver_->believes_ad());
  const DanePlan plan = search("mx.good.example");
  EXPECT_EQ(plan.state, DaneState::kNone);
  EXPECT_EQ(plan.words, "the addresses of mx.good.example are insecure");
}

}  // namespace
}  // namespace posthaste::resolver
