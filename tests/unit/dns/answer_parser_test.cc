#include "lib/dns/answer_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/dns/query.h"
#include "tests/unit/dns/packet_builder.h"

namespace posthaste::dns {
namespace {

using namespace std::string_literals;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr Instant kNow{std::chrono::hours(1)};
const Question kMxQuestion{"example.com", RecordType::kMx};
const Question kAQuestion{"mail.example.com", RecordType::kA};

AnswerContext context(bool believe_ad = false) {
  return {.now = kNow, .ttl = {}, .believe_ad = believe_ad, .server = "127.0.0.1:53"};
}

Answer parse(const PacketBuilder& packet, const Question& question, bool believe_ad = false) {
  return parse_answer(packet.octets(), question, context(believe_ad)).answer;
}

Duration life(const Answer& answer) { return answer.expires - kNow; }

TEST(AnswerParser, ReadsMxRecords) {
  PacketBuilder packet(kMxQuestion);
  packet.mx("example.com", 300, 10, "MX1.example.com")
      .mx("example.com", 200, 20, "mx2.example.net");
  const ParsedAnswer parsed = parse_answer(packet.octets(), kMxQuestion, context());
  EXPECT_EQ(parsed.id, 0x1234);
  EXPECT_FALSE(parsed.truncated);
  EXPECT_EQ(parsed.answer.status, AnswerStatus::kOk) << parsed.answer.words;
  EXPECT_THAT(parsed.answer.mx, ElementsAre(MxRecord{10, MxName("mx1.example.com")},
                                            MxRecord{20, MxName("mx2.example.net")}));
  EXPECT_EQ(life(parsed.answer), seconds(200)) << "the least of the records";
  EXPECT_EQ(parsed.answer.words, "");
}

TEST(AnswerParser, ReadsCompressedNamesInOwnersAndData) {
  const std::string owner = PacketBuilder::pointer(PacketBuilder::kQuestionAt);
  PacketBuilder packet(kMxQuestion);
  packet.record(owner, 15, 1, 60, PacketBuilder::u16(5) + "\2mx" + owner);
  EXPECT_THAT(parse(packet, kMxQuestion).mx, ElementsAre(MxRecord{5, MxName("mx.example.com")}));
}

TEST(AnswerParser, ReadsTheRootAsAnEmptyHost) {
  PacketBuilder packet(kMxQuestion);
  packet.mx("example.com", 60, 0, "");
  EXPECT_THAT(parse(packet, kMxQuestion).mx, ElementsAre(MxRecord{0, MxName()}));
}

TEST(AnswerParser, ReadsAddressesOnceEachAndFoldsMappedOnes) {
  PacketBuilder v4(kAQuestion);
  v4.a("mail.example.com", 60, "\xC0\0\2\1"s).a("mail.example.com", 60, "\xC0\0\2\1"s);
  v4.a("mail.example.com", 60, "\xC0\0\2\2"s);
  EXPECT_THAT(parse(v4, kAQuestion).addresses, ElementsAre(ipv4(192, 0, 2, 1), ipv4(192, 0, 2, 2)));
  const Question question{"mail.example.com", RecordType::kAaaa};
  PacketBuilder v6(question);
  v6.aaaa("mail.example.com", 60, "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\1");
  v6.aaaa("mail.example.com", 60, std::string(10, '\0') + "\xff\xff\x7f\0\0\1"s);
  EXPECT_THAT(parse(v6, question).addresses,
              ElementsAre(parse_ip("2001:db8::1").value(), ipv4(127, 0, 0, 1)));
}

TEST(AnswerParser, FollowsCnamesWithinTheAnswerInAnyOrder) {
  PacketBuilder packet(kAQuestion);
  packet.a("c.example", 500, "\1\2\3\4").cname("b.example", 70, "C.example");
  packet.cname("mail.example.com", 90, "b.example").a("stray.example", 60, "\5\6\7\x08");
  const Answer answer = parse(packet, kAQuestion);
  EXPECT_EQ(answer.status, AnswerStatus::kOk) << answer.words;
  EXPECT_THAT(answer.addresses, ElementsAre(ipv4(1, 2, 3, 4)));
  EXPECT_EQ(life(answer), seconds(70)) << "the chain counts";
}

TEST(AnswerParser, IgnoresRecordsOfOtherOwnersAndClasses) {
  PacketBuilder packet(kAQuestion);
  packet.a("evil.example", 60, "\1\2\3\4");
  packet.record(PacketBuilder::wire("mail.example.com"), 1, 3, 60, "\1\2\3\4");
  const Answer answer = parse(packet, kAQuestion);
  EXPECT_EQ(answer.status, AnswerStatus::kNoData);
  EXPECT_TRUE(answer.addresses.empty());
}

TEST(AnswerParser, ACnameLoopIsMalformedAndEnds) {
  PacketBuilder packet(kAQuestion);
  packet.cname("mail.example.com", 60, "b.example").cname("b.example", 60, "mail.example.com");
  EXPECT_EQ(parse(packet, kAQuestion).status, AnswerStatus::kMalformed);
}

TEST(AnswerParser, FollowsAsManyCnamesAsItSaysAndNotOneMore) {
  for (const int hops : {kCnameHopsMax, kCnameHopsMax + 1}) {
    PacketBuilder packet({"h0", RecordType::kA});
    for (int i = 0; i < hops; ++i) {
      packet.cname("h" + std::to_string(i), 60, "h" + std::to_string(i + 1));
    }
    packet.a("h" + std::to_string(hops), 60, "\1\2\3\4");
    EXPECT_EQ(parse(packet, {"h0", RecordType::kA}).status,
              hops == kCnameHopsMax ? AnswerStatus::kOk : AnswerStatus::kMalformed);
  }
}

TEST(AnswerParser, ClampsTimesToLive) {
  struct Row {
    std::uint32_t ttl;
    Duration expected;
  };
  for (const Row& row :
       {Row{0, seconds(5)}, Row{4, seconds(5)}, Row{6, seconds(6)}, Row{3600, minutes(60)},
        Row{86400, minutes(60)}, Row{0x80000000, seconds(5)} /* RFC 2181 §8 */}) {
    PacketBuilder packet(kAQuestion);
    packet.a("mail.example.com", row.ttl, "\1\2\3\4");
    EXPECT_EQ(life(parse(packet, kAQuestion)), row.expected) << row.ttl;
  }
}

TEST(AnswerParser, NegativeAnswersLiveAsTheSoaSays) {
  struct Row {
    std::string zone;
    std::uint32_t ttl, minimum;
    Duration expected;
  };
  for (const Row& row : {Row{"example.com", 300, 60, seconds(60)}, Row{"", 50, 60, seconds(50)},
                         Row{"com", 86400, 86400, minutes(15)}, Row{"com", 1, 1, seconds(5)},
                         Row{"example.org", 300, 60, seconds(5)} /* another zone's */,
                         Row{"ample.com", 300, 60, seconds(5)}}) {
    for (const unsigned rcode : {0U, 3U}) {
      PacketBuilder packet(kMxQuestion, rcode);
      packet.authority().soa(row.zone, row.ttl, row.minimum);
      const Answer answer = parse(packet, kMxQuestion);
      EXPECT_EQ(answer.status, rcode == 0 ? AnswerStatus::kNoData : AnswerStatus::kNxDomain);
      EXPECT_EQ(life(answer), row.expected) << row.zone << " " << row.ttl;
    }
  }
}

TEST(AnswerParser, TheCodeSpeaksOfTheEndOfTheChain) {
  PacketBuilder packet(kAQuestion, 3);
  packet.cname("mail.example.com", 20, "gone.example").authority().soa("example", 300, 300);
  const Answer answer = parse(packet, kAQuestion);
  EXPECT_EQ(answer.status, AnswerStatus::kNxDomain);
  EXPECT_EQ(life(answer), seconds(20));
}

TEST(AnswerParser, EveryCodeHasItsStatusAndWords) {
  struct Row {
    unsigned rcode;
    AnswerStatus status;
    std::string_view words;
  };
  for (const Row& row :
       {Row{1, AnswerStatus::kServFail, "FORMERR"}, Row{2, AnswerStatus::kServFail, "SERVFAIL"},
        Row{3, AnswerStatus::kNxDomain, "NXDOMAIN"}, Row{4, AnswerStatus::kServFail, "NOTIMP"},
        Row{5, AnswerStatus::kRefused, "REFUSED"}, Row{9, AnswerStatus::kServFail, "RCODE 9"}}) {
    const Answer answer = parse(PacketBuilder(kMxQuestion, row.rcode), kMxQuestion);
    EXPECT_EQ(answer.status, row.status) << row.words;
    EXPECT_EQ(answer.words, std::string(row.words) + " for example.com MX from 127.0.0.1:53");
    EXPECT_EQ(life(answer), seconds(5));
  }
}

TEST(AnswerParser, TheExtendedCodeCounts) {
  PacketBuilder packet(kMxQuestion);
  packet.additional().opt(1);
  const Answer answer = parse(packet, kMxQuestion);
  EXPECT_EQ(answer.status, AnswerStatus::kServFail);
  EXPECT_THAT(answer.words, HasSubstr("RCODE 16"));
}

TEST(AnswerParser, ABareHeaderWithAnErrorIsAnAnswer) {
  const std::string octets = "\x12\x34\x81\x82\0\0\0\0\0\0\0\0"s;
  EXPECT_EQ(parse_answer(octets, kMxQuestion, context()).answer.status, AnswerStatus::kServFail);
  const std::string positive = "\x12\x34\x81\x80\0\0\0\0\0\0\0\0"s;
  EXPECT_EQ(parse_answer(positive, kMxQuestion, context()).answer.status, AnswerStatus::kMalformed);
  const std::string nxdomain = "\x12\x34\x81\x83\0\0\0\0\0\0\0\0"s;
  EXPECT_EQ(parse_answer(nxdomain, kMxQuestion, context()).answer.status, AnswerStatus::kMalformed);
}

TEST(AnswerParser, AReferralIsNoAnswer) {
  PacketBuilder referral(kMxQuestion, 0, 0);  // no RA, no AA
  referral.authority().record(PacketBuilder::wire("com"), 2, 1, 60, PacketBuilder::wire("ns.com"));
  EXPECT_EQ(parse(referral, kMxQuestion).status, AnswerStatus::kServFail);
  PacketBuilder chain(kAQuestion, 0, PacketBuilder::kAuthoritative);
  chain.cname("mail.example.com", 60, "elsewhere.example");
  EXPECT_EQ(parse(chain, kAQuestion).status, AnswerStatus::kServFail)
      << "leads out of the server's zones";
  PacketBuilder none(kMxQuestion, 0, PacketBuilder::kAuthoritative);
  EXPECT_EQ(parse(none, kMxQuestion).status, AnswerStatus::kNoData);
}

TEST(AnswerParser, BelievesAdOnlyWhereItMay) {
  for (const bool ad : {false, true}) {
    for (const bool believed : {false, true}) {
      const unsigned flags =
          PacketBuilder::kRecursionAvailable | (ad ? PacketBuilder::kAuthenticData : 0);
      PacketBuilder positive(kMxQuestion, 0, flags);
      positive.mx("example.com", 60, 10, "mx.example.com");
      EXPECT_EQ(parse(positive, kMxQuestion, believed).authentic, ad && believed);
      PacketBuilder negative(kMxQuestion, 3, flags);
      EXPECT_EQ(parse(negative, kMxQuestion, believed).authentic, ad && believed);
      EXPECT_FALSE(parse(PacketBuilder(kMxQuestion, 2, flags), kMxQuestion, believed).authentic);
    }
  }
}

TEST(AnswerParser, NotesTruncation) {
  PacketBuilder packet(kMxQuestion, 0,
                       PacketBuilder::kTruncated | PacketBuilder::kRecursionAvailable);
  packet.mx("example.com", 60, 10, "mx.example.com");
  const std::string cut = packet.octets().substr(0, packet.octets().size() - 3);
  const ParsedAnswer parsed = parse_answer(cut, kMxQuestion, context());
  EXPECT_TRUE(parsed.truncated);
  EXPECT_EQ(parsed.answer.status, AnswerStatus::kMalformed);
  EXPECT_TRUE(parsed.answer.mx.empty());
}

TEST(AnswerParser, AnswersToOtherQuestionsAreMalformed) {
  PacketBuilder packet(kMxQuestion);
  packet.mx("example.com", 60, 10, "mx.example.com");
  EXPECT_EQ(parse(packet, {"example.org", RecordType::kMx}).status, AnswerStatus::kMalformed);
  EXPECT_EQ(parse(packet, {"example.com", RecordType::kA}).status, AnswerStatus::kMalformed);
  const std::string query = render_query(kMxQuestion, 7).value();
  EXPECT_EQ(parse_answer(query, kMxQuestion, context()).answer.status, AnswerStatus::kMalformed);
  std::string notify = packet.octets();
  notify[2] = static_cast<char>(0xA0);  // opcode 4
  EXPECT_EQ(parse_answer(notify, kMxQuestion, context()).answer.status, AnswerStatus::kMalformed);
}

TEST(AnswerParser, EveryShorterPacketIsMalformed) {
  PacketBuilder packet(kMxQuestion);
  packet.mx("example.com", 60, 10, "mx.example.com").authority().soa("example.com", 60, 60);
  packet.additional().opt(0);
  const std::string& octets = packet.octets();
  EXPECT_EQ(parse(packet, kMxQuestion).status, AnswerStatus::kOk);
  for (std::size_t size = 0; size < octets.size(); ++size) {
    const auto parsed = parse_answer(octets.substr(0, size), kMxQuestion, context());
    EXPECT_EQ(parsed.answer.status, AnswerStatus::kMalformed) << size;
  }
}

TEST(AnswerParser, RecordsOfTheWrongLengthAreMalformed) {
  PacketBuilder short_address(kAQuestion);
  short_address.a("mail.example.com", 60, "\1\2\3");
  EXPECT_EQ(parse(short_address, kAQuestion).status, AnswerStatus::kMalformed);
  PacketBuilder long_address(kAQuestion);
  long_address.a("mail.example.com", 60, "\1\2\3\4\5");
  EXPECT_EQ(parse(long_address, kAQuestion).status, AnswerStatus::kMalformed);
  PacketBuilder long_mx(kMxQuestion);
  long_mx.record(PacketBuilder::wire("example.com"), 15, 1, 60, "\0\x0a\2mx\0x"s);
  EXPECT_EQ(parse(long_mx, kMxQuestion).status, AnswerStatus::kMalformed);
  PacketBuilder short_mx(kMxQuestion);
  short_mx.record(PacketBuilder::wire("example.com"), 15, 1, 60, "\0"s);
  short_mx.mx("example.com", 60, 10, "mx.example.com");
  EXPECT_EQ(parse(short_mx, kMxQuestion).status, AnswerStatus::kMalformed);
}

TEST(AnswerParser, LooksAtNoMoreRecordsThanItSays) {
  PacketBuilder packet(kMxQuestion);
  for (unsigned i = 0; i < kRecordsMax + 100; ++i) {
    packet.mx("example.com", 60, static_cast<std::uint16_t>(i), "h" + std::to_string(i));
  }
  EXPECT_EQ(parse(packet, kMxQuestion).mx.size(), kRecordsMax);
}

TEST(AnswerParser, OtherTypesAreOkWhenThere) {
  const Question question{"_25._tcp.mx.example.com", RecordType::kTlsa};
  PacketBuilder packet(question);
  packet.record(PacketBuilder::wire(question.name), 52, 1, 60, "\3\1\1abc");
  EXPECT_EQ(parse(packet, question).status, AnswerStatus::kOk);
  EXPECT_EQ(parse(PacketBuilder(question), question).status, AnswerStatus::kNoData);
}

TEST(Answer, StatusesAreNamedAndSorted) {
  EXPECT_EQ(name(AnswerStatus::kOk), "ok");
  EXPECT_EQ(name(AnswerStatus::kMalformed), "malformed");
  EXPECT_EQ(name(RecordType::kAaaa), "AAAA");
  for (const auto status : {AnswerStatus::kOk, AnswerStatus::kNoData, AnswerStatus::kNxDomain}) {
    EXPECT_FALSE(temporary(status));
  }
  for (const auto status : {AnswerStatus::kServFail, AnswerStatus::kRefused, AnswerStatus::kTimeout,
                            AnswerStatus::kMalformed}) {
    EXPECT_TRUE(temporary(status));
  }
}

}  // namespace
}  // namespace posthaste::dns
