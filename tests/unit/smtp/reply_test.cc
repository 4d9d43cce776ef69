#include "lib/smtp/reply.h"

#include <gmock/gmock.h>

#include <vector>

#include "lib/smtp/reply_parser.h"

namespace posthaste::smtp {
namespace {

using testing::HasSubstr;
using Status = ReplyParser::Status;

struct Row {
  const char* bytes;
  Reply reply;
};
const Row kReplies[] = {
    {"250 ok\r\n", {250, {}, "ok"}},
    {"250\r\n", {250, {}, ""}},
    {"250 \r\n", {250, {}, ""}},
    {"250 ok\n", {250, {}, "ok"}},
    {"250-a\r\n250-b\r\n250 c\r\n", {250, {}, "a\nb\nc"}},
    {"250-\r\n250\r\n", {250, {}, "\n"}},
    {"550 5.1.1 no such user\r\n", {550, {5, 1, 1}, "no such user"}},
    {"550-5.1.1 no such\r\n550 5.1.1 user\r\n", {550, {5, 1, 1}, "no such\nuser"}},
    {"550-5.1.1 no such\r\n550 5.7.1 user\r\n", {550, {5, 1, 1}, "no such\n5.7.1 user"}},
    {"550-no such\r\n550 5.1.1 user\r\n", {550, {5, 1, 1}, "no such\nuser"}},
    {"550 5.1.1\r\n", {550, {5, 1, 1}, ""}},
    {"550 5.123.456 x\r\n", {550, {5, 123, 456}, "x"}},
    {"450 5.1.1 class and code disagree\r\n", {450, {}, "5.1.1 class and code disagree"}},
    {"354 3.0.0 go\r\n", {354, {}, "3.0.0 go"}},
    {"250 2.0.0.1 version\r\n", {250, {}, "2.0.0.1 version"}},
    {"250 2.0.0x\r\n", {250, {}, "2.0.0x"}},
    {"250 2.1234.0 x\r\n", {250, {}, "2.1234.0 x"}},
    {"250 2..0 x\r\n", {250, {}, "2..0 x"}},
    {"250 a\tb\x01\x7f\r\r\n", {250, {}, "a b???"}},
    {"250 gr\xC3\xBC\xC3\x9F\r\n", {250, {}, "gr\xC3\xBC\xC3\x9F"}},
};

TEST(ReplyParser, ReadsWholeRepliesHoweverTheyAreCut) {
  for (const Row& row : kReplies) {
    SCOPED_TRACE(row.bytes);
    const std::string_view bytes = row.bytes;
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
      ReplyParser parser;
      Reply reply;
      std::string_view first = bytes.substr(0, cut);
      ASSERT_EQ(parser.parse(first, reply), Status::kMore);
      EXPECT_TRUE(first.empty());
      std::string_view rest = bytes.substr(cut);
      ASSERT_EQ(parser.parse(rest, reply), Status::kReply);
      EXPECT_TRUE(rest.empty());
      EXPECT_EQ(reply, row.reply);
    }
  }
}

TEST(ReplyParser, LeavesTheNextReplyInPlace) {
  ReplyParser parser;
  std::string_view data = "250-a\r\n250 b\r\n550 5.0.0 c\r\n35";
  Reply reply;
  ASSERT_EQ(parser.parse(data, reply), Status::kReply);
  EXPECT_EQ(reply, (Reply{250, {}, "a\nb"}));
  ASSERT_EQ(parser.parse(data, reply), Status::kReply);
  EXPECT_EQ(reply, (Reply{550, {5, 0, 0}, "c"}));
  EXPECT_EQ(parser.parse(data, reply), Status::kMore);
  data = "4 go\r\n";
  ASSERT_EQ(parser.parse(data, reply), Status::kReply);
  EXPECT_EQ(reply.code, 354);
}

TEST(ReplyParser, RefusesWhatIsNoReply) {
  const struct {
    std::string bytes;
    const char* words;
  } rows[] = {
      {"\r\n", "no reply"},
      {"hello\r\n", "no reply: \"hello\""},
      {"25 ok\r\n", "no reply"},
      {"2500 ok\r\n", "no reply"},
      {"150 ok\r\n", "no reply"},
      {"650 ok\r\n", "no reply"},
      {"250_ok\r\n", "no reply"},
      {" 250 ok\r\n", "no reply"},
      {"250-a\r\n\r\n", "no reply"},
      {"250-a\r\n251 b\r\n", "different codes"},
      {std::string("\x16\x03\x01\0\n", 5), "no reply: \"????\""},
      {"250 " + std::string(kReplyLineMax, 'x') + "\r\n", "longer than 2048"},
      {std::string(kReplyLineMax + 1, 'x'), "longer than 2048"},
  };
  for (const auto& row : rows) {
    for (const bool bytewise : {false, true}) {
      ReplyParser parser;
      Reply reply;
      Status status = Status::kMore;
      for (std::size_t i = 0; i < row.bytes.size() && status == Status::kMore;) {
        const std::size_t step = bytewise ? 1 : row.bytes.size();
        std::string_view data = std::string_view(row.bytes).substr(i, step);
        status = parser.parse(data, reply);
        i += step;
      }
      EXPECT_EQ(status, Status::kGarbage) << row.bytes.substr(0, 30);
      EXPECT_THAT(parser.words(), HasSubstr(row.words));
    }
  }
}

TEST(ReplyParser, BearsLongAndManyLinesAndNoMore) {
  std::string lines;
  for (unsigned i = 1; i < kReplyLinesMax; ++i) lines += "250-" + std::string(500, 'x') + "\r\n";
  {
    ReplyParser parser;
    Reply reply;
    const std::string bytes = lines + "250 end\r\n";
    std::string_view data = bytes;
    ASSERT_EQ(parser.parse(data, reply), Status::kReply);
    EXPECT_LE(reply.text.size(), kReplyTextMax);
  }
  ReplyParser parser;
  Reply reply;
  const std::string bytes = lines + "250-one more\r\n250 end\r\n";
  std::string_view data = bytes;
  EXPECT_EQ(parser.parse(data, reply), Status::kGarbage);
  EXPECT_THAT(parser.words(), HasSubstr("128 lines"));
}

TEST(Reply, IsRenderedInOneLine) {
  EXPECT_EQ(render_reply({451, {4, 7, 1}, "come\nback later"}), "451 4.7.1 come back later");
  EXPECT_EQ(render_reply({250, {}, "ok"}), "250 ok");
  EXPECT_EQ(render_reply({250, {}, ""}), "250");
  EXPECT_EQ(render_reply({0, {5, 3, 4}, "too big"}), "5.3.4 too big");
  EXPECT_EQ(render_reply({}), "");
  EXPECT_EQ(render_enhanced({}), "");
  EXPECT_EQ(render_enhanced({5, 1, 10}), "5.1.10");
}

TEST(Reply, TellsItsClass) {
  EXPECT_TRUE((Reply{250, {}, ""}).positive());
  EXPECT_TRUE((Reply{354, {}, ""}).positive());
  EXPECT_TRUE((Reply{421, {}, ""}).temporary());
  EXPECT_TRUE((Reply{599, {}, ""}).permanent());
  const Reply none;
  EXPECT_FALSE(none.positive() || none.temporary() || none.permanent());
}

}  // namespace
}  // namespace posthaste::smtp
