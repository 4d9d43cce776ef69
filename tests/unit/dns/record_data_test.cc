// TLSA and TXT records, and the ends of CNAME chains, as parse_answer() reads them from packets.
#include "lib/dns/record_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/dns/answer_parser.h"
#include "tests/unit/dns/packet_builder.h"

namespace posthaste::dns {
namespace {

using namespace std::string_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Instant kNow{std::chrono::hours(1)};
const Question kTlsaQuestion{"_25._tcp.mx.example.com", RecordType::kTlsa};
const Question kTxtQuestion{"_mta-sts.example.com", RecordType::kTxt};

Answer parse(const PacketBuilder& packet, const Question& question) {
  const AnswerContext context{.now = kNow, .ttl = {}, .believe_ad = true, .server = "127.0.0.1:53"};
  return parse_answer(packet.octets(), question, context).answer;
}

// An answer to `question` with these data.
Answer parse_data(const Question& question, const std::vector<std::string>& data) {
  PacketBuilder packet(question);
  for (const std::string& each : data) {
    packet.record(PacketBuilder::pointer(PacketBuilder::kQuestionAt),
                  static_cast<std::uint16_t>(question.type), 1, 300, each);
  }
  return parse(packet, question);
}

TEST(RecordData, ReadsTlsaRecordsOnceEach) {
  const std::string digest(32, '\xee');
  const Answer answer =
      parse_data(kTlsaQuestion, {"\3\1\1" + digest, "\2\0\2"s + "any", "\3\1\1" + digest});
  EXPECT_EQ(answer.status, AnswerStatus::kOk) << answer.words;
  EXPECT_THAT(answer.tlsa, ElementsAre(TlsaRecord{3, 1, 1, digest}, TlsaRecord{2, 0, 2, "any"}));
}

TEST(RecordData, AMalformedTlsaRecordLeavesTheOthersAsTheyAre) {
  const std::string digest(32, '\xee');
  const Answer mixed = parse_data(kTlsaQuestion, {"", "\3", "\3\1", "\3\1\1", "\3\1\1" + digest});
  EXPECT_EQ(mixed.status, AnswerStatus::kOk) << mixed.words;
  EXPECT_THAT(mixed.tlsa, ElementsAre(TlsaRecord{3, 1, 1, ""}, TlsaRecord{3, 1, 1, digest}));
  const Answer alone = parse_data(kTlsaQuestion, {"\3\1"});
  EXPECT_EQ(alone.status, AnswerStatus::kOk) << "not the same as no record";
  EXPECT_THAT(alone.tlsa, IsEmpty());
}

TEST(RecordData, AnAbsurdlyBigTlsaRecordIsHarmless) {
  const Answer big = parse_data(kTlsaQuestion, {"\3\0\0"s + std::string(60'000, 'x')});
  EXPECT_EQ(big.status, AnswerStatus::kOk);
  EXPECT_EQ(big.tlsa.at(0).data.size(), 60'000U);
  PacketBuilder liar(kTlsaQuestion);
  liar.record(PacketBuilder::pointer(PacketBuilder::kQuestionAt), 52, 1, 300, "\3\1\1abc");
  std::string octets = liar.octets();
  octets.replace(octets.size() - 8, 2, "\xff\xff");  // data beyond the packet's end
  EXPECT_EQ(parse_answer(octets, kTlsaQuestion, {}).answer.status, AnswerStatus::kMalformed);
}

TEST(RecordData, KeepsNoMoreTlsaRecordsAndTextsThanItMay) {
  std::vector<std::string> records;
  std::vector<std::string> texts;
  for (unsigned i = 0; i < 400; ++i) {
    records.push_back("\3\1\1" + PacketBuilder::u16(i));
    texts.push_back("\2" + PacketBuilder::u16(i));
  }
  EXPECT_EQ(parse_data(kTlsaQuestion, records).tlsa.size(), kTlsaRecordsMax);
  EXPECT_EQ(parse_data(kTxtQuestion, texts).texts.size(), kTextsMax);
}

TEST(RecordData, JoinsTheStringsOfEachTextRecord) {
  const Answer answer = parse_data(kTxtQuestion, {"\x0av=STSv1; i\5"
                                                  "d=1;;"s,
                                                  "\0"s, "\3one\0\3two"s});
  EXPECT_EQ(answer.status, AnswerStatus::kOk) << answer.words;
  EXPECT_THAT(answer.texts, ElementsAre("v=STSv1; id=1;;", "", "onetwo"));
}

TEST(RecordData, LeavesOutATextThatIsTooLong) {
  std::string data;
  for (std::size_t i = 0; i <= kTextOctetsMax / 255; ++i) data += "\xff" + std::string(255, 'x');
  const Answer answer = parse_data(kTxtQuestion, {data, "\3yes"});
  EXPECT_EQ(answer.status, AnswerStatus::kOk);
  EXPECT_THAT(answer.texts, ElementsAre("yes"));
}

TEST(RecordData, AStringThatIsLongerThanItsRecordMakesTheAnswerMalformed) {
  for (const std::string& bad : {"\4yes"s, ""s, "\3yes\1"s, "\xff"s}) {
    EXPECT_EQ(parse_data(kTxtQuestion, {"\2ok", bad}).status, AnswerStatus::kMalformed);
  }
}

TEST(RecordData, OnlyRecordsThatAnswerTheQuestionCount) {
  PacketBuilder packet(kTxtQuestion);
  packet.record(PacketBuilder::wire("other.example"), 16, 1, 300, "\5other");
  packet.record(PacketBuilder::wire(kTxtQuestion.name), 52, 1, 300, "\3\1\1abc");
  packet.record(PacketBuilder::wire(kTxtQuestion.name), 16, 3, 300, "\5chaos");
  packet.record(PacketBuilder::wire(kTxtQuestion.name), 16, 1, 300, "\4mine");
  packet.additional().record(PacketBuilder::wire(kTxtQuestion.name), 16, 1, 300, "\4more");
  const Answer answer = parse(packet, kTxtQuestion);
  EXPECT_THAT(answer.texts, ElementsAre("mine"));
  EXPECT_THAT(answer.tlsa, IsEmpty());
}

TEST(RecordData, TheCanonicalNameIsTheEndOfTheChain) {
  for (const RecordType type :
       {RecordType::kA, RecordType::kAaaa, RecordType::kMx, RecordType::kTlsa, RecordType::kTxt}) {
    const Question question{"www.example.com", type};
    PacketBuilder chain(question);
    chain.cname("www.example.com", 60, "Mid.example.net").cname("mid.example.net", 60, "end.org");
    chain.authority().soa("org", 60, 60);
    const Answer answer = parse(chain, question);
    EXPECT_EQ(answer.status, AnswerStatus::kNoData) << answer.words;
    EXPECT_EQ(answer.canonical, "end.org");
  }
  const Question question{"www.example.com", RecordType::kA};
  PacketBuilder there(question);
  there.cname("www.example.com", 60, "end.org").a("end.org", 60, "\1\2\3\4");
  EXPECT_EQ(parse(there, question).canonical, "end.org");
  PacketBuilder direct(question);
  direct.a("www.example.com", 60, "\1\2\3\4");
  EXPECT_EQ(parse(direct, question).canonical, "");
}

TEST(RecordData, ACnameThatWasAskedForIsAnAnswerAndNotFollowed) {
  const Question question{"www.example.com", RecordType::kCname};
  PacketBuilder packet(question, 0,
                       PacketBuilder::kRecursionAvailable | PacketBuilder::kAuthenticData);
  packet.cname("www.example.com", 60, "end.org");
  const Answer answer = parse(packet, question);
  EXPECT_EQ(answer.status, AnswerStatus::kOk);
  EXPECT_TRUE(answer.authentic);
  EXPECT_EQ(answer.canonical, "");
}

}  // namespace
}  // namespace posthaste::dns
