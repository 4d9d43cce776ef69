// Durations, tables and message content, as the tool writes them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "daemon/tool/message_content.h"
#include "daemon/tool/table.h"
#include "daemon/tool/time_text.h"

namespace posthaste::daemon::tool {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// 2026-11-21 22:08:43.123 UTC
constexpr Instant kNow{1'795'298'923'123'000us};

class ToolText : public testing::Test {
 protected:
  void SetUp() override {
    setenv("TZ", "UTC", 1);
    tzset();
  }
};

TEST_F(ToolText, SaysDurationsInTwoUnitsAtMost) {
  EXPECT_EQ(render_span(0s), "0s");
  EXPECT_EQ(render_span(999ms), "0s");
  EXPECT_EQ(render_span(59s), "59s");
  EXPECT_EQ(render_span(60s), "1m");
  EXPECT_EQ(render_span(299s), "4m");
  EXPECT_EQ(render_span(1h), "1h");
  EXPECT_EQ(render_span(1h + 20min + 59s), "1h 20m");
  EXPECT_EQ(render_span(24h), "1d");
  EXPECT_EQ(render_span(76h + 59min), "3d 4h");
}

TEST_F(ToolText, SaysHowFarATimeIsAway) {
  EXPECT_EQ(render_distance(kNow + 4min, kNow), "in 4m");
  EXPECT_EQ(render_distance(kNow - 90min, kNow), "1h 30m ago");
  EXPECT_EQ(render_distance(kNow + 999ms, kNow), "now");
  EXPECT_EQ(render_distance(kNow - 999ms, kNow), "now");
}

TEST_F(ToolText, SaysTimesOfTheDayShortAndOthersInFull) {
  EXPECT_EQ(render_when(kNow + 4min, kNow), "in 4m (22:12:43)");
  EXPECT_EQ(render_when(kNow + 76h, kNow), "in 3d 4h (2026-11-25 02:08:43)");
  EXPECT_EQ(render_moment(kNow), "2026-11-21 22:08:43 +0000");
}

TEST_F(ToolText, AlignsColumnsByWhatIsSeen) {
  Table table({{"NAME"}, {"COUNT", Align::kRight}, {"WHY"}});
  table.add({"a", "5", "short"});
  table.add({"müller", "12345678", ""});
  EXPECT_EQ(table.render({}),
            "NAME       COUNT  WHY\n"
            "a              5  short\n"
            "müller  12345678\n");
}

TEST_F(ToolText, CutsTheLastColumnToTheTerminal) {
  Table table({{"ID"}, {"WHY"}});
  table.add({"1234", "a very long reply of a verbose server"});
  EXPECT_EQ(table.render({.width = 20}),
            "ID    WHY\n"
            "1234  a very long r…\n");
  EXPECT_THAT(table.render({}), HasSubstr("verbose server"));
}

TEST_F(ToolText, UsesColourOnlyWhereItIsWanted) {
  EXPECT_EQ(Style{}.bad("x"), "x");
  EXPECT_EQ(Style{.colour = true}.bad("x"), "\x1b[31mx\x1b[0m");
}

TEST_F(ToolText, ShowsNothingFromOutsideThatCouldMoveTheCursor) {
  EXPECT_EQ(printable("550 \x1b[2J no\r\nuser\t\x7f"), "550 ?[2J no user ?");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "??31m")
      << "a C1 control character";
  EXPECT_EQ(printable("\xff\xe2\x82"), "???") << "no UTF-8";
  EXPECT_EQ(printable("grün €"), "grün €");
}

TEST_F(ToolText, LeavesAMessageWithAHeaderAsItIs) {
  const std::string content = prepare_content("Subject: x\n\nbody\r\nmore\rlast", {});
  EXPECT_EQ(content, "Subject: x\r\n\r\nbody\r\nmore\r\nlast\r\n");
}

TEST_F(ToolText, GivesABareBodyAHeader) {
  const Letterhead head{"a@example.com", {"b@example.com", "c@example.com"}, kNow, "1@host"};
  const std::string content = prepare_content("Hello: there\nis no header here: no", head);
  EXPECT_THAT(content, StartsWith("Hello: there")) << "what looks like a field is one";
  const std::string body = prepare_content("hello world\n", head);
  EXPECT_EQ(body,
            "From: <a@example.com>\r\n"
            "To: <b@example.com>,\r\n <c@example.com>\r\n"
            "Subject: sent by posthaste send\r\n"
            "Date: Sat, 21 Nov 2026 22:08:43 +0000\r\n"
            "Message-ID: <1@host>\r\n"
            "\r\n"
            "hello world\r\n");
  EXPECT_THAT(prepare_content("", head), EndsWith("<1@host>\r\n\r\n"));
}

}  // namespace
}  // namespace posthaste::daemon::tool
