// How a session ends, and when.
#include <gmock/gmock.h>

#include "tests/unit/smtp/server_dialogue.h"

namespace posthaste::smtp {
namespace {

using ::testing::HasSubstr;

TEST(ServerSession, HangsUpAfterTooManyErrors) {
  ServerDialogue dialogue;
  dialogue.hello();
  std::string bad;
  for (int i = 0; i < 30; ++i) bad += "BAD\r\n";
  const std::string replies = dialogue.say(bad);
  EXPECT_THAT(replies, ::testing::EndsWith("421 4.7.0 too many errors\r\n"));
  EXPECT_EQ(replies.size(), 21 * std::string_view("500 5.5.1 unknown command\r\n").size() + 27);
  EXPECT_EQ(dialogue.hangups, 1);
  EXPECT_TRUE(dialogue.dead());
  EXPECT_EQ(dialogue.say("NOOP\r\n"), "");
}

TEST(ServerSession, ForgivesBadRecipients) {
  ServerDialogue dialogue;
  dialogue.hello();
  dialogue.say("MAIL FROM:<>\r\n");
  for (int i = 0; i < 30; ++i) dialogue.say("RCPT TO:<bob>\r\n");
  EXPECT_EQ(codes(dialogue.say("RCPT TO:<bob@example.net>\r\n")), "250");
}

TEST(ServerSession, HangsUpOnABrowser) {
  ServerDialogue dialogue;
  dialogue.event(server::Accepted{});
  EXPECT_EQ(codes(dialogue.say("POST / HTTP/1.1\r\nEHLO x\r\nMAIL FROM:<>\r\n")), "421");
  EXPECT_EQ(dialogue.hangups, 1);
}

TEST(ServerSession, TimesOutAndSaysSo) {
  ServerDialogue dialogue;
  dialogue.hello();
  EXPECT_EQ(dialogue.deadline(), kNoon + std::chrono::minutes(5));
  dialogue.now += std::chrono::minutes(4);
  dialogue.say("NO");  // half a command does not buy time
  EXPECT_EQ(dialogue.deadline(), kNoon + std::chrono::minutes(5));
  dialogue.say("OP\r\n");
  EXPECT_EQ(dialogue.deadline(), kNoon + std::chrono::minutes(9));
  EXPECT_EQ(dialogue.after(server::Tick{}), "");  // too early
  dialogue.now += std::chrono::minutes(5);
  EXPECT_EQ(codes(dialogue.after(server::Tick{})), "421");
  EXPECT_THAT(dialogue.sent, HasSubstr("421 4.4.2 "));
  EXPECT_EQ(dialogue.hangups, 1);
  EXPECT_EQ(dialogue.deadline(), kNever);
}

TEST(ServerSession, TimesEachBlockOfContent) {
  ServerDialogue dialogue;
  dialogue.hello();
  dialogue.say(data_message(""));
  EXPECT_EQ(dialogue.deadline(), kNoon + std::chrono::minutes(3));
  dialogue.now += std::chrono::minutes(2);
  dialogue.say("x");
  EXPECT_EQ(dialogue.deadline(), kNoon + std::chrono::minutes(5));
  dialogue.now = dialogue.deadline();
  EXPECT_EQ(codes(dialogue.after(server::Tick{})), "421");
  EXPECT_EQ(dialogue.notes.at(0).event, "timeout");
}

TEST(ServerSession, WaitsForTheStoreBeforeItGoes) {
  ServerDialogue shut;
  shut.hello();
  shut.say(data_message("x\r\n.\r\nNOOP\r\n"));
  EXPECT_EQ(shut.after(server::Shutdown{}), "");
  EXPECT_EQ(codes(shut.stored()), "250 250 354 250 421");
  EXPECT_EQ(shut.hangups, 1);

  ServerDialogue gone;
  gone.hello();
  gone.say(data_message("x\r\n.\r\n"));
  gone.event(server::PeerGone{});
  EXPECT_EQ(gone.hangups, 0);
  EXPECT_EQ(gone.stored(), "");
  EXPECT_EQ(gone.hangups, 1);
}

TEST(ServerSession, TurnsAwayWhenOverloaded) {
  ServerDialogue dialogue;
  EXPECT_EQ(dialogue.after(server::Overloaded{"too many\r\nconnections"}),
            "421 4.3.2 too many??connections\r\n");
  EXPECT_EQ(dialogue.hangups, 1);
}

}  // namespace
}  // namespace posthaste::smtp
