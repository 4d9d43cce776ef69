// MAIL, RCPT and their replies: what is sent together, and whose fate is what.
#include <gmock/gmock.h>

#include "tests/unit/smtp/client_dialogue.h"

namespace posthaste::smtp {
namespace {

using testing::HasSubstr;

class ClientTransactions : public DialogueTest {
 protected:
  Dialogue open(std::vector<std::string> offers) {
    Dialogue d = dialogue();
    d.open(std::move(offers));
    return d;
  }
};
INSTANTIATE_TEST_SUITE_P(Reads, ClientTransactions, testing::Bool(), reads_name);

constexpr const char* kFrom = "MAIL FROM:<from@client.example>\r\n";
constexpr const char* kToA = "RCPT TO:<a@peer.example>\r\n";
constexpr const char* kToB = "RCPT TO:<b@peer.example>\r\n";

std::string text(std::initializer_list<const char*> parts) {
  std::string all;
  for (const char* part : parts) all += part;
  return all;
}

TEST_P(ClientTransactions, WithoutPipeliningEachCommandWaitsForItsReply) {
  Dialogue d = open({});
  d.deliver({"a@peer.example", "b@peer.example"});
  EXPECT_FALSE(d.is_ready());
  EXPECT_EQ(d.said(), kFrom);
  d.hear("250 ok\r\n");
  EXPECT_EQ(d.said(), kToA);
  d.hear("250 ok\r\n");
  EXPECT_EQ(d.said(), kToB);
  d.hear("251 will forward\r\n");
  EXPECT_EQ(d.said(), "DATA\r\n");
  d.hear("354 go\r\n");
  EXPECT_EQ(d.said(), d.body[0] + ".\r\n");
  d.hear("250 2.0.0 queued as X\r\n");
  ASSERT_EQ(d.finished, 1);
  for (std::uint16_t i = 0; i < 2; ++i) {
    EXPECT_EQ(d.outcome(i).number, i);
    EXPECT_EQ(d.outcome(i).verdict, Verdict::kDelivered);
    EXPECT_EQ(d.outcome(i).stage, Stage::kFinalDot);
    EXPECT_EQ(d.outcome(i).reply, (Reply{250, {2, 0, 0}, "queued as X"}));
  }
  EXPECT_TRUE(d.is_ready());
  EXPECT_EQ(d.deadline(), kNever);
}

TEST_P(ClientTransactions, PipeliningSendsAllUpToDataInOneFlight) {
  Dialogue d = open({"PIPELINING"});
  for (int message = 1; message <= 3; ++message) {
    d.deliver({"a@peer.example", "b@peer.example"});
    EXPECT_EQ(d.said(), text({kFrom, kToA, kToB, "DATA\r\n"}));
    d.hear("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n");
    EXPECT_EQ(d.said(), d.body[0] + ".\r\n");
    d.hear("250 ok\r\n");
    EXPECT_EQ(d.finished, message);
    EXPECT_TRUE(d.is_ready());
  }
}

TEST_P(ClientTransactions, RecipientsHaveFatesOfTheirOwn) {
  Dialogue d = open({"PIPELINING"});
  d.deliver({"a@peer.example", "b@peer.example", "c@peer.example"});
  (void)d.said();
  d.hear("250 ok\r\n550 5.1.1 no such user\r\n250 ok\r\n450 4.2.0 greylisted\r\n354 go\r\n");
  d.hear("250 ok\r\n");
  EXPECT_EQ(d.outcome(0).verdict, Verdict::kPermanent);
  EXPECT_EQ(d.outcome(0).stage, Stage::kRcpt);
  EXPECT_EQ(d.outcome(0).reply, (Reply{550, {5, 1, 1}, "no such user"}));
  EXPECT_EQ(d.outcome(1).verdict, Verdict::kDelivered);
  EXPECT_EQ(d.outcome(2).verdict, Verdict::kTemporary);
  EXPECT_EQ(d.outcome(2).reply.code, 450);
}

TEST_P(ClientTransactions, TheReplyToARefusedMailGoesToEverybody) {
  for (const bool pipelining : {false, true}) {
    Dialogue d =
        open(pipelining ? std::vector<std::string>{"PIPELINING"} : std::vector<std::string>{});
    d.deliver({"a@peer.example", "b@peer.example"});
    d.hear("550 5.7.1 not you\r\n");
    if (pipelining) {
      EXPECT_EQ(d.finished, 0) << "three replies are still to come";
      d.hear("503 MAIL first\r\n503 MAIL first\r\n503 RCPT first\r\n");
    }
    ASSERT_EQ(d.finished, 1);
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_EQ(d.outcome(i).verdict, Verdict::kPermanent);
      EXPECT_EQ(d.outcome(i).stage, Stage::kMail);
      EXPECT_EQ(d.outcome(i).reply.text, "not you");
    }
    (void)d.said();
    d.deliver({"a@peer.example"});
    EXPECT_EQ(d.said().substr(0, 4), "MAIL") << "no transaction is open, so no RSET is due";
  }
}

TEST_P(ClientTransactions, ARefusedDataGoesToTheAcceptedOnes) {
  Dialogue d = open({"PIPELINING"});
  d.deliver({"a@peer.example", "b@peer.example"});
  d.hear("250 ok\r\n250 ok\r\n550 no b\r\n451 4.3.0 disk full\r\n");
  ASSERT_EQ(d.finished, 1);
  EXPECT_EQ(d.outcome(0).verdict, Verdict::kTemporary);
  EXPECT_EQ(d.outcome(0).stage, Stage::kData);
  EXPECT_EQ(d.outcome(0).reply.text, "disk full");
  EXPECT_EQ(d.outcome(1).verdict, Verdict::kPermanent);
  EXPECT_EQ(d.outcome(1).stage, Stage::kRcpt);
}

TEST_P(ClientTransactions, TheFinalReplyGoesToTheAcceptedOnes) {
  Dialogue d = open({});
  d.deliver({"a@peer.example", "b@peer.example"});
  for (const char* reply : {"250 ok\r\n", "550 no a\r\n", "250 ok\r\n", "354 go\r\n"})
    d.hear(reply);
  d.hear("554 5.7.1 spam\r\n");
  EXPECT_EQ(d.outcome(0).reply.text, "no a");
  EXPECT_EQ(d.outcome(1).verdict, Verdict::kPermanent);
  EXPECT_EQ(d.outcome(1).stage, Stage::kFinalDot);
  EXPECT_EQ(d.outcome(1).reply.text, "spam");
  (void)d.said();
  d.deliver({"a@peer.example"});
  EXPECT_EQ(d.said(), kFrom) << "the end of data closed the transaction";
}

// RFC 5321 §4.5.3.1.10
TEST_P(ClientTransactions, TooManyRecipientsIsTemporaryBehindAcceptedOnes) {
  Dialogue d = open({"PIPELINING"});
  d.deliver({"a@peer.example", "b@peer.example", "c@peer.example"});
  d.hear("250 ok\r\n552 too much\r\n250 ok\r\n552 too many\r\n354 go\r\n");
  d.hear("250 ok\r\n");
  EXPECT_EQ(d.outcome(0).verdict, Verdict::kPermanent) << "nobody was accepted before";
  EXPECT_EQ(d.outcome(1).verdict, Verdict::kDelivered);
  EXPECT_EQ(d.outcome(2).verdict, Verdict::kTemporary);
  EXPECT_EQ(d.outcome(2).reply.code, 552);
}

TEST_P(ClientTransactions, SendsALoneDotWhenNobodyWasAccepted) {
  Dialogue d = open({"PIPELINING"});
  d.deliver({"a@peer.example"});
  (void)d.said();
  d.hear("250 ok\r\n550 no\r\n354 go\r\n");
  EXPECT_EQ(d.said(), ".\r\n");
  EXPECT_EQ(d.finished, 0);
  EXPECT_EQ(d.deadline(), d.now + ClientTimeouts{}.data);
  d.hear("554 no valid recipients\r\n");
  ASSERT_EQ(d.finished, 1);
  EXPECT_EQ(d.outcome(0).reply.text, "no");
  d.deliver({"a@peer.example"});
  EXPECT_EQ(d.said().substr(0, 4), "MAIL");
}

TEST_P(ClientTransactions, GivesNothingToAPeerThatRefusesTheSenderAndAcceptsTheRecipient) {
  Dialogue d = open({"PIPELINING"});
  d.deliver({"a@peer.example"});
  (void)d.said();
  d.hear("550 no\r\n250 ok\r\n354 go\r\n");
  EXPECT_EQ(d.said(), "") << "a lone dot would be delivered as a message without content";
  EXPECT_TRUE(d.is_dead());
  EXPECT_EQ(d.outcome(0).reply.text, "no");
}

TEST_P(ClientTransactions, ResetsOnlyWhereATransactionWasLeftOpen) {
  for (const bool pipelining : {false, true}) {
    Dialogue d =
        open(pipelining ? std::vector<std::string>{"PIPELINING"} : std::vector<std::string>{});
    d.deliver({"a@peer.example"});
    d.hear("250 ok\r\n");
    d.hear("550 no\r\n");
    if (pipelining) d.hear("503 no recipients\r\n");
    ASSERT_EQ(d.finished, 1);
    (void)d.said();
    d.deliver({"b@peer.example"});
    if (pipelining) {
      EXPECT_EQ(d.said(), text({"RSET\r\n", kFrom, kToB, "DATA\r\n"}));
      d.hear("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n");
    } else {
      EXPECT_EQ(d.said(), "RSET\r\n");
      for (const char* reply : {"250 ok\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n"})
        d.hear(reply);
    }
    d.hear("250 ok\r\n");
    EXPECT_EQ(d.finished, 2);
    EXPECT_EQ(d.outcome(0).verdict, Verdict::kDelivered);
    (void)d.said();
    d.deliver({"c@peer.example"});
    EXPECT_EQ(d.said().substr(0, 4), "MAIL");
  }
}

TEST_P(ClientTransactions, ARefusedResetEndsTheSession) {
  Dialogue d = open({"PIPELINING"});
  d.deliver({"a@peer.example"});
  d.hear("250 ok\r\n550 no\r\n503 no\r\n");
  d.deliver({"b@peer.example"});
  d.hear("502 no RSET here\r\n");
  EXPECT_TRUE(d.is_dead());
  EXPECT_EQ(d.outcome(0).verdict, Verdict::kUntried);
}

// ---- the session ends in the middle

struct Ending {
  const char* name;
  bool pipelining;
  const char* heard;  // before the end
  Stage stage;
  Verdict a, b;
};
const Ending kEndings[] = {
    {"before the reply to MAIL", true, "", Stage::kMail, Verdict::kUntried, Verdict::kUntried},
    {"half a reply to MAIL", true, "25", Stage::kMail, Verdict::kUntried, Verdict::kUntried},
    {"before the first RCPT", true, "250 ok\r\n", Stage::kRcpt, Verdict::kUntried,
     Verdict::kUntried},
    {"behind a refused RCPT", true, "250 ok\r\n550 no\r\n", Stage::kRcpt, Verdict::kPermanent,
     Verdict::kUntried},
    {"behind an accepted RCPT", true, "250 ok\r\n250 ok\r\n", Stage::kRcpt, Verdict::kUntried,
     Verdict::kUntried},
    {"behind all RCPT", true, "250 ok\r\n250 ok\r\n450 no\r\n", Stage::kData, Verdict::kUntried,
     Verdict::kTemporary},
    {"behind a refused MAIL", true, "450 no\r\n", Stage::kRcpt, Verdict::kTemporary,
     Verdict::kTemporary},
    {"behind the final dot", true, "250 ok\r\n250 ok\r\n550 no\r\n354 go\r\n", Stage::kFinalDot,
     Verdict::kMaybe, Verdict::kPermanent},
    {"behind the lone dot", true, "250 ok\r\n550 no\r\n550 no\r\n354 go\r\n", Stage::kData,
     Verdict::kPermanent, Verdict::kPermanent},
    {"behind a refused RCPT, one by one", false, "550 no\r\n", Stage::kRcpt, Verdict::kPermanent,
     Verdict::kUntried},
};

// Says MAIL's positive reply first where replies are taken one by one.
void bring_to(const Ending& ending, Dialogue& d) {
  d.deliver({"a@peer.example", "b@peer.example"});
  if (!ending.pipelining) d.hear("250 ok\r\n");
  d.hear(ending.heard);
}

TEST_P(ClientTransactions, ALostConnectionLeavesEachRecipientWithAnHonestVerdict) {
  for (const bool time_out : {false, true}) {
    for (const Ending& ending : kEndings) {
      SCOPED_TRACE(ending.name);
      Dialogue d = open(ending.pipelining ? std::vector<std::string>{"PIPELINING"}
                                          : std::vector<std::string>{});
      bring_to(ending, d);
      ASSERT_EQ(d.finished, 0);
      if (time_out) {
        d.time_out();
      } else {
        d.event(PeerGone{"connection reset by peer", policy::TlsFailure::kPeerInternalError});
      }
      ASSERT_EQ(d.finished, 1);
      EXPECT_EQ(d.outcome(0).verdict, ending.a);
      EXPECT_EQ(d.outcome(1).verdict, ending.b);
      ASSERT_TRUE(d.failure.has_value());
      EXPECT_EQ(d.failure->stage, ending.stage);
      EXPECT_EQ(d.failure->timed_out, time_out);
      EXPECT_EQ(d.failure->tls, policy::TlsFailure::kNone)
          << "TLS worked when the session was ready";
      for (const RecipientOutcome& outcome : d.result->outcomes) {
        if (outcome.verdict != Verdict::kUntried && outcome.verdict != Verdict::kMaybe) continue;
        EXPECT_EQ(outcome.reply.code, 0);
        EXPECT_EQ(outcome.reply.text, d.failure->words);
        EXPECT_EQ(outcome.stage, ending.stage);
      }
      EXPECT_TRUE(d.is_dead());
    }
  }
}

struct Closing {
  const char* name;
  std::vector<std::string> heard;  // one by one; the last one is the 421
  Verdict a, b;
};
const Closing kClosings[] = {
    {"to MAIL", {"421 bye\r\n"}, Verdict::kUntried, Verdict::kUntried},
    {"to the first RCPT", {"250 ok\r\n", "421 bye\r\n"}, Verdict::kTemporary, Verdict::kUntried},
    {"to the second RCPT",
     {"250 ok\r\n", "550 no\r\n", "421 bye\r\n"},
     Verdict::kPermanent,
     Verdict::kTemporary},
    {"behind an accepted RCPT",
     {"250 ok\r\n", "250 ok\r\n", "421 bye\r\n"},
     Verdict::kUntried,
     Verdict::kTemporary},
    {"to DATA",
     {"250 ok\r\n", "250 ok\r\n", "550 no\r\n", "421 bye\r\n"},
     Verdict::kTemporary,
     Verdict::kPermanent},
    {"to the dot",
     {"250 ok\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n", "421 bye\r\n"},
     Verdict::kTemporary,
     Verdict::kTemporary},
};

TEST_P(ClientTransactions, A421EndsTheSessionWhereverItComes) {
  for (const bool pipelining : {false, true}) {
    for (const Closing& closing : kClosings) {
      SCOPED_TRACE(closing.name);
      Dialogue d =
          open(pipelining ? std::vector<std::string>{"PIPELINING"} : std::vector<std::string>{});
      d.deliver({"a@peer.example", "b@peer.example"});
      for (const std::string& reply : closing.heard) d.hear(reply);
      ASSERT_EQ(d.finished, 1);
      EXPECT_EQ(d.outcome(0).verdict, closing.a);
      EXPECT_EQ(d.outcome(1).verdict, closing.b);
      ASSERT_TRUE(d.failure.has_value());
      EXPECT_EQ(d.failure->reply.code, 421);
      EXPECT_THAT(d.failure->words, HasSubstr("421 bye while"));
      EXPECT_TRUE(d.is_dead());
    }
  }
}

TEST_P(ClientTransactions, AReplyThatMakesNoSenseEndsTheSession) {
  const std::vector<std::vector<std::string>> dialogues{
      {"354 go\r\n"},
      {"250 ok\r\n", "354 go\r\n"},
      {"250 ok\r\n", "250 ok\r\n", "250 done already\r\n"},
      {"250 ok\r\n", "nonsense\r\n"},
      {"250 ok\r\n", "250-ok\r\n550 no\r\n"},
  };
  for (const auto& replies : dialogues) {
    Dialogue d = open({});
    d.deliver({"a@peer.example"});
    for (const std::string& reply : replies) d.hear(reply);
    ASSERT_EQ(d.finished, 1);
    EXPECT_EQ(d.outcome(0).verdict, Verdict::kUntried);
    EXPECT_TRUE(d.is_dead());
  }
  Dialogue d = open({});
  d.deliver({"a@peer.example"});
  for (const char* reply : {"250 ok\r\n", "250 ok\r\n", "354 go\r\n", "354 go on\r\n"})
    d.hear(reply);
  EXPECT_EQ(d.outcome(0).verdict, Verdict::kMaybe);
}

TEST_P(ClientTransactions, WhatComesWhileIdleEndsTheSession) {
  Dialogue d = open({});
  d.hear("421 4.4.2 tired of waiting\r\n");
  ASSERT_TRUE(d.failure.has_value());
  EXPECT_EQ(d.failure->stage, Stage::kIdle);
  EXPECT_EQ(d.failure->reply.code, 421);
  EXPECT_EQ(d.said(), "");
  EXPECT_TRUE(d.is_dead());
}

TEST(ClientSession, AGoodbyeInTheSameReadAsTheLastReplyTakesNothingBack) {
  Dialogue d;
  d.open({"PIPELINING"});
  d.deliver({"a@peer.example"});
  d.hear("250 ok\r\n250 ok\r\n354 go\r\n");
  d.hear("250 ok\r\n421 closing\r\n");
  EXPECT_EQ(d.outcome(0).verdict, Verdict::kDelivered);
  EXPECT_EQ(d.failure->stage, Stage::kIdle);
}

// ---- goodbye

TEST_P(ClientTransactions, QuitWaitsForTheTransactionAndThenForTheReply) {
  Dialogue d = open({"PIPELINING"});
  d.deliver({"a@peer.example"});
  d.event(Quit{});
  (void)d.said();
  d.hear("250 ok\r\n250 ok\r\n354 go\r\n");
  (void)d.said();
  d.hear("250 ok\r\n");
  EXPECT_EQ(d.outcome(0).verdict, Verdict::kDelivered);
  EXPECT_EQ(d.said(), "QUIT\r\n");
  EXPECT_FALSE(d.is_ready());
  EXPECT_FALSE(d.is_dead());
  d.hear("221 bye\r\n");
  EXPECT_TRUE(d.is_dead());
  EXPECT_FALSE(d.failure.has_value());
}

TEST_P(ClientTransactions, NoEndOfAGoodbyeIsAFailure) {
  for (int ending = 0; ending < 4; ++ending) {
    Dialogue d = open({});
    d.event(Quit{});
    d.event(Quit{});
    EXPECT_EQ(d.said(), "QUIT\r\n");
    EXPECT_EQ(d.deadline(), d.now + std::chrono::seconds(5));
    if (ending == 0) d.time_out();
    if (ending == 1) d.event(PeerGone{"end of file"});
    if (ending == 2) d.hear("garbage\r\n");
    if (ending == 3) d.hear("500 what?\r\n");
    EXPECT_TRUE(d.is_dead());
    EXPECT_FALSE(d.failure.has_value());
  }
}

// ---- time

TEST_P(ClientTransactions, EachReplyGetsTheTimeOutOfItsCommand) {
  ClientOptions options;
  options.timeouts.mail = std::chrono::seconds(1);
  options.timeouts.rcpt = std::chrono::seconds(2);
  options.timeouts.data = std::chrono::seconds(3);
  options.timeouts.block = std::chrono::seconds(4);
  options.timeouts.final_dot = std::chrono::seconds(5);
  for (const bool pipelining : {false, true}) {
    Dialogue d = dialogue(options);
    d.open(pipelining ? std::vector<std::string>{"PIPELINING"} : std::vector<std::string>{});
    d.gives_chunks = false;
    const auto waits = [&d](int seconds) {
      return d.deadline() - d.now == std::chrono::seconds(seconds);
    };
    d.deliver({"a@peer.example"});
    EXPECT_TRUE(waits(1));
    d.now += std::chrono::milliseconds(500);
    d.hear("250 ok\r\n");
    EXPECT_TRUE(waits(2));
    d.now += std::chrono::milliseconds(500);
    d.hear("250 ok\r\n");
    EXPECT_TRUE(waits(3));
    d.now += std::chrono::milliseconds(500);
    d.hear("354 go\r\n");
    EXPECT_TRUE(waits(4));
    d.now += std::chrono::milliseconds(500);
    d.give_chunk();
    EXPECT_TRUE(waits(5));
  }
}

TEST_P(ClientTransactions, BytesThatAreNoReplyYetBuyNoTime) {
  Dialogue d = open({});
  d.deliver({"a@peer.example"});
  const Instant deadline = d.deadline();
  d.now += std::chrono::minutes(4);
  d.hear("250-wait\r\n250-for it");
  EXPECT_EQ(d.deadline(), deadline);
}

}  // namespace
}  // namespace posthaste::smtp
