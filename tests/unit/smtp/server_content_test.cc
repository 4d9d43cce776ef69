// DATA and BDAT: what becomes of content, good and bad.
#include <gmock/gmock.h>

#include "tests/unit/smtp/server_dialogue.h"

namespace posthaste::smtp {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::string_view kEnvelope = "MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\n";

std::string bdat(std::string_view chunk, bool last) {
  return "BDAT " + std::to_string(chunk.size()) + (last ? " LAST\r\n" : "\r\n") +
         std::string(chunk);
}

std::string lines(std::size_t octets) {
  std::string text;
  while (text.size() + 80 <= octets) text += std::string(78, 'x') + "\r\n";
  if (text.size() < octets) text += std::string(octets - text.size() - 2, 'y') + "\r\n";
  return text;
}

struct Smuggled {
  const char* name;
  std::string_view wire;  // content, up to the true terminator
};

constexpr Smuggled kSmuggled[] = {
    {"LfDotLf", "Subject: x\r\n\r\nhello\n.\nMAIL FROM:<evil@example.com>\r\n.\r\n"},
    {"CrLfDotLf", "Subject: x\r\n\r\nhello\r\n.\nMAIL FROM:<evil@example.com>\r\n.\r\n"},
    {"LfDotCrLf", "Subject: x\r\n\r\nhello\n.\r\nMAIL FROM:<evil@example.com>\r\n.\r\n"},
    {"CrDotCrLf", "Subject: x\r\n\r\nhello\r.\r\nMAIL FROM:<evil@example.com>\r\n.\r\n"},
    {"CrLfDotCr", "Subject: x\r\n\r\nhello\r\n.\rMAIL FROM:<evil@example.com>\r\n.\r\n"},
    {"CrDotCr", "Subject: x\r\n\r\nhello\r.\rMAIL FROM:<evil@example.com>\r\n.\r\n"},
    {"CrCrLfDotCrCrLf",
     "Subject: x\r\n\r\nhello\r\r\n.\r\r\nMAIL FROM:<evil@example.com>\r\n.\r\n"},
    {"LoneLf", "Subject: x\n\r\nhello\r\n.\r\n"},
    {"LoneCr", "Subject: x\r\n\r\nhel\rlo\r\n.\r\n"},
};

class ServerSmuggling : public ::testing::TestWithParam<Smuggled> {};

TEST_P(ServerSmuggling, IsRefusedWholeAfterTheTrueTerminator) {
  for (const std::size_t octets_per_read : {0U, 1U, 2U, 3U, 7U}) {
    ServerDialogue dialogue;
    dialogue.hello();
    EXPECT_EQ(codes(dialogue.say(std::string(kEnvelope) + "DATA\r\n")), "250 250 354");
    const std::string replies =
        dialogue.say(std::string(GetParam().wire) + "NOOP\r\n", octets_per_read);
    EXPECT_THAT(replies, StartsWith("550 5.5.2 "));
    EXPECT_EQ(codes(replies), "550 250");
    EXPECT_TRUE(dialogue.submissions.empty());
  }
}

TEST_P(ServerSmuggling, IsRefusedInAChunkToo) {
  std::string_view content = GetParam().wire;
  content.remove_suffix(3);  // the terminator, which BDAT has not
  for (const std::size_t octets_per_read : {0U, 1U, 5U}) {
    ServerDialogue dialogue;
    dialogue.hello();
    const std::string replies =
        dialogue.say(std::string(kEnvelope) + bdat(content, true) + "NOOP\r\n", octets_per_read);
    EXPECT_EQ(codes(replies), "250 250 550 250");
    EXPECT_THAT(replies, HasSubstr("550 5.5.2 "));
    EXPECT_TRUE(dialogue.submissions.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(Variants, ServerSmuggling, ::testing::ValuesIn(kSmuggled),
                         [](const auto& variant) { return std::string(variant.param.name); });

TEST(ServerContent, SpillsFullChunksAndKeepsTheLastOne) {
  ServerDialogue dialogue;
  dialogue.hello();
  const std::string content = lines(200'000);
  dialogue.say(data_message(""));
  dialogue.say(content + ".\r\n");
  ASSERT_EQ(dialogue.submissions.size(), 1U);
  ASSERT_EQ(dialogue.spills.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(dialogue.spills[i].chunk, i);
    EXPECT_EQ(dialogue.spills[i].bytes->size(), mail::kChunkBytesMax);
    EXPECT_EQ(dialogue.spills[i].id, dialogue.submissions[0].envelope->id);
  }
  EXPECT_EQ(dialogue.submissions[0].chunks_spilled, 3);
  EXPECT_EQ(dialogue.submissions[0].envelope->body_chunks, 4);
  EXPECT_EQ(dialogue.submissions[0].envelope->body_bytes, dialogue.body().size());
  EXPECT_EQ(dialogue.content(), content);
  EXPECT_THAT(*dialogue.spills[0].bytes, StartsWith("Received: from client.example"));
  EXPECT_TRUE(dialogue.abandoned.empty());
}

TEST(ServerContent, NeverEndsInAnEmptyChunk) {
  ServerDialogue dialogue;
  dialogue.hello();
  dialogue.say(data_message("x\r\n.\r\n"));
  dialogue.stored();
  const std::size_t trace_bytes = dialogue.body().size() - 3;
  dialogue.say(data_message(lines(mail::kChunkBytesMax - trace_bytes) + ".\r\n"));
  ASSERT_EQ(dialogue.submissions.size(), 2U);
  EXPECT_TRUE(dialogue.spills.empty());
  EXPECT_EQ(dialogue.submissions[1].last_chunk->size(), mail::kChunkBytesMax);
  EXPECT_EQ(dialogue.submissions[1].envelope->body_chunks, 1);
}

TEST(ServerContent, NoticesOctetsAbove127) {
  ServerDialogue dialogue;
  dialogue.hello();
  dialogue.say(data_message("caf\xC3\xA9\r\n.\r\n"));
  ASSERT_EQ(dialogue.submissions.size(), 1U);
  EXPECT_TRUE(dialogue.submissions[0].envelope->eight_bit);
  EXPECT_EQ(dialogue.submissions[0].envelope->body_type, mail::BodyType::k7Bit);  // as was said
}

TEST(ServerContent, AbandonsWhatWasSpilledOfAMessageThatGoesWrong) {
  struct Ending {
    const char* what;
    server::Event event;
  };
  const Ending endings[] = {{"gone", server::PeerGone{}},
                            {"shutdown", server::Shutdown{}},
                            {"overloaded", server::Overloaded{"x"}},
                            {"store", server::NotStored{true, "disk full", {}}}};
  for (const Ending& ending : endings) {
    ServerDialogue dialogue;
    dialogue.hello();
    dialogue.say(data_message(lines(100'000)));
    ASSERT_EQ(dialogue.spills.size(), 1U);
    dialogue.event(ending.event);
    EXPECT_THAT(dialogue.abandoned, ::testing::ElementsAre(dialogue.spills[0].id)) << ending.what;
  }
  for (const std::string_view spoiled : {"a\nb", "a\rb"}) {
    ServerDialogue dialogue;
    dialogue.hello();
    dialogue.say(data_message(lines(100'000)));
    dialogue.say(spoiled);
    EXPECT_EQ(dialogue.abandoned.size(), 1U);
    EXPECT_EQ(codes(dialogue.say(lines(200'000) + ".\r\n")), "550");
    EXPECT_EQ(dialogue.abandoned.size(), 1U);
    EXPECT_EQ(dialogue.spills.size(), 1U);
  }
}

TEST(ServerContent, AbandonsChunksOnReset) {
  for (const std::string_view reset : {"RSET\r\n", "EHLO again\r\n", "QUIT\r\n"}) {
    ServerDialogue dialogue;
    dialogue.hello();
    dialogue.say(std::string(kEnvelope) + bdat(lines(70'000), false));
    ASSERT_EQ(dialogue.spills.size(), 1U);
    dialogue.say(reset);
    EXPECT_EQ(dialogue.abandoned.size(), 1U) << reset;
    EXPECT_TRUE(dialogue.submissions.empty());
  }
}

TEST(ServerContent, AnswersAStoreThatRefusesAChunkOnceAndAtTheEnd) {
  ServerDialogue dialogue;
  dialogue.hello();
  dialogue.say(data_message(lines(150'000)));
  ASSERT_EQ(dialogue.spills.size(), 2U);
  const MessageId id = dialogue.spills[0].id;
  EXPECT_EQ(dialogue.after(server::NotStored{true, "disk full", id}), "");
  EXPECT_EQ(dialogue.after(server::NotStored{true, "disk full", id}), "");
  EXPECT_EQ(dialogue.say(lines(150'000)), "");
  EXPECT_THAT(dialogue.say(".\r\n"), StartsWith("452 4.3.1 "));
  EXPECT_EQ(dialogue.spills.size(), 2U);
  EXPECT_EQ(dialogue.abandoned.size(), 1U);
  EXPECT_TRUE(dialogue.submissions.empty());
  // An answer that comes late, for the message before, does not hit the next one.
  EXPECT_EQ(dialogue.say(data_message("x\r\n.\r\n")), "");
  EXPECT_EQ(dialogue.after(server::NotStored{true, "disk full", id}), "");
  EXPECT_EQ(dialogue.after(server::Stored{id}), "");
  EXPECT_EQ(codes(dialogue.stored()), "250 250 354 250");
}

TEST(ServerContent, AnswersAStoreThatRefusesTheMessageAndGoesOn) {
  struct Row {
    bool full;
    std::string_view reply;
  };
  for (const Row& row : {Row{true, "452 4.3.1 "}, Row{false, "451 4.3.0 "}}) {
    ServerDialogue dialogue;
    dialogue.hello();
    dialogue.say(data_message(""));
    dialogue.say(lines(100'000) + ".\r\n");
    ASSERT_EQ(dialogue.submissions.size(), 1U);
    EXPECT_THAT(dialogue.after(server::NotStored{row.full, "secret path", {}}),
                StartsWith(row.reply));
    EXPECT_EQ(dialogue.abandoned.size(), 1U);
    EXPECT_THAT(dialogue.sent, ::testing::Not(HasSubstr("secret")));
    EXPECT_EQ(dialogue.notes.at(0).words, "secret path");
    dialogue.say(data_message("x\r\n.\r\n"));
    EXPECT_EQ(codes(dialogue.stored()), "250 250 354 250");
  }
}

TEST(ServerContent, IsRefusedAboveTheSizeLimitWhileItComes) {
  ServerOptions options = trusted_options();
  options.message_bytes_max = 100'000;
  for (const std::size_t extra : {0U, 2U}) {
    ServerDialogue dialogue(options);
    dialogue.hello();
    dialogue.say(data_message(""));
    const std::string replies = dialogue.say(lines(100'000 + extra) + ".\r\n", 1000);
    EXPECT_EQ(dialogue.submissions.size(), extra == 0 ? 1U : 0U);
    if (extra != 0) {
      EXPECT_THAT(replies, StartsWith("552 5.3.4 "));
      EXPECT_EQ(dialogue.abandoned.size(), 1U);
    }
  }
}

TEST(ServerContent, IsRefusedWhenItHasComeByMoreThanAHundredServers) {
  for (const int fields : {100, 101}) {
    std::string header;
    for (int i = 0; i < fields; ++i) header += "Received: from somewhere\r\n\tby elsewhere\r\n";
    ServerDialogue dialogue;
    dialogue.hello();
    dialogue.say(data_message(""));
    const std::string replies = dialogue.say(header + "\r\nReceived: body\r\n.\r\n", 11);
    EXPECT_EQ(dialogue.submissions.size(), fields == 100 ? 1U : 0U);
    EXPECT_THAT(replies, StartsWith(fields == 101 ? "554 5.4.6 " : ""));
  }
}

TEST(ServerContent, IsRefusedWithALineBeyondAllMeasure) {
  ServerDialogue dialogue;
  dialogue.hello();
  dialogue.say(data_message(""));
  EXPECT_THAT(dialogue.say(std::string(70'000, 'x') + "\r\n.\r\n"), StartsWith("554 5.6.0 "));
}

// ---- BDAT

TEST(ServerBdat, MakesOneMessageOfManyChunks) {
  for (const std::size_t octets_per_read : {0U, 1U, 9U}) {
    ServerDialogue dialogue;
    dialogue.hello();
    const std::string wire = std::string(kEnvelope) + bdat("Subject: x\r", false) +
                             bdat("\n\r\n..\r\n.\r\nQUIT\r\n", false) + bdat("", false) +
                             bdat("end\r\n", true);
    dialogue.store_at_once = true;
    EXPECT_EQ(codes(dialogue.say(wire, octets_per_read)), "250 250 250 250 250 250");
    ASSERT_EQ(dialogue.submissions.size(), 1U);
    EXPECT_EQ(dialogue.content(), "Subject: x\r\n\r\n..\r\n.\r\nQUIT\r\nend\r\n");
  }
}

TEST(ServerBdat, EndsTheLastLineWhereTheClientDidNot) {
  ServerDialogue dialogue;
  dialogue.hello();
  dialogue.say(std::string(kEnvelope) + bdat("a\r\nb", true));
  ASSERT_EQ(dialogue.submissions.size(), 1U);
  EXPECT_EQ(dialogue.content(), "a\r\nb\r\n");
}

TEST(ServerBdat, TakesAnEmptyLastChunkAndAnEmptyMessage) {
  ServerDialogue dialogue;
  dialogue.hello();
  dialogue.store_at_once = true;
  dialogue.say(std::string(kEnvelope) + bdat("a\r\n", false) + "BDAT 0 LAST\r\n");
  dialogue.say(std::string(kEnvelope) + "BDAT 0 LAST\r\n");
  ASSERT_EQ(dialogue.submissions.size(), 2U);
  EXPECT_EQ(dialogue.content(0), "a\r\n");
  EXPECT_EQ(dialogue.content(1), "");
}

TEST(ServerBdat, RefusesACrAtTheVeryEnd) {
  ServerDialogue dialogue;
  dialogue.hello();
  EXPECT_EQ(codes(dialogue.say(std::string(kEnvelope) + bdat("a\r", true))), "250 250 550");
}

TEST(ServerBdat, SwallowsExactlyTheAnnouncedOctetsWhateverIsWrong) {
  const std::string trap = "MAIL FROM:<evil@example.com>\r\n";
  struct Row {
    std::string before, replies;
  };
  const Row rows[] = {
      {"", "503 250"},
      {"MAIL FROM:<a@example.com>\r\n", "250 554 250"},
      {"MAIL FROM:<a@example.com>\r\nRCPT TO:<bob>\r\n", "250 501 554 250"},
      {std::string(kEnvelope) + bdat("a\nb", false), "250 250 550 550 250"},
  };
  for (const Row& row : rows) {
    for (const std::size_t octets_per_read : {0U, 1U, 13U}) {
      ServerDialogue dialogue;
      dialogue.hello();
      EXPECT_EQ(codes(dialogue.say(row.before + bdat(trap, true) + "NOOP\r\n", octets_per_read)),
                row.replies);
      EXPECT_TRUE(dialogue.submissions.empty());
    }
  }
}

TEST(ServerBdat, EndsTheSessionWhenNobodyKnowsHowLongTheChunkIs) {
  ServerDialogue dialogue;
  dialogue.hello();
  EXPECT_EQ(codes(dialogue.say(std::string(kEnvelope) +
                               "BDAT x LAST\r\nMAIL FROM:<evil@example.com>\r\n")),
            "250 250 501 421");
  EXPECT_EQ(dialogue.hangups, 1);
}

TEST(ServerBdat, AllowsNothingElseWithinItsTransaction) {
  ServerDialogue dialogue;
  dialogue.hello();
  dialogue.say(std::string(kEnvelope) + bdat("a\r\n", false));
  EXPECT_EQ(codes(dialogue.say(
                "DATA\r\nRCPT TO:<c@example.net>\r\nMAIL FROM:<>\r\nNOOP\r\nRSET\r\nDATA\r\n")),
            "503 503 503 250 250 503");
}

TEST(ServerBdat, KeepsAnsweringAFailedMessageUntilLast) {
  ServerOptions options = trusted_options();
  options.message_bytes_max = 10;
  ServerDialogue dialogue(options);
  dialogue.hello();
  const std::string chunk = "12345\r\n";
  EXPECT_EQ(codes(dialogue.say(std::string(kEnvelope) + bdat(chunk, false) + bdat(chunk, false) +
                               bdat(chunk, false) + bdat("", true) + std::string(kEnvelope))),
            "250 250 250 552 552 552 250 250");
}

}  // namespace
}  // namespace posthaste::smtp
