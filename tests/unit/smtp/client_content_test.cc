// The content of a message: DATA and BDAT, chunk by chunk, and what the peer must be able to do for
// it.
#include <gmock/gmock.h>

#include <algorithm>

#include "tests/unit/smtp/client_dialogue.h"

namespace posthaste::smtp {
namespace {

using testing::HasSubstr;

class ClientContent : public DialogueTest {
 protected:
  // Up to the point where content may flow.
  Dialogue accepted(std::vector<std::string> offers, std::vector<std::string> body,
                    bool gives_chunks = true) {
    Dialogue d = dialogue();
    const bool chunking = std::find(offers.begin(), offers.end(), "CHUNKING") != offers.end();
    d.open(std::move(offers));
    d.body = std::move(body);
    d.gives_chunks = gives_chunks;
    d.deliver({"a@peer.example"});
    d.hear("250 ok\r\n");
    if (!chunking) d.hear("250 ok\r\n");
    (void)d.said();
    d.hear(chunking ? "250 ok\r\n" : "354 go\r\n");
    return d;
  }
};
INSTANTIATE_TEST_SUITE_P(Reads, ClientContent, testing::Bool(), reads_name);

TEST_P(ClientContent, DataDoublesDotsAtTheStartOfLines) {
  Dialogue d = accepted({}, {".a\r\n", ".b\r", "\n.", ".c.\r\n"});
  EXPECT_EQ(d.said(), "..a\r\n..b\r\n...c.\r\n.\r\n");
}

TEST_P(ClientContent, DataEndsContentThatLacksItsLineEnd) {
  EXPECT_EQ(accepted({}, {"a"}).said(), "a\r\n.\r\n");
  EXPECT_EQ(accepted({}, {"a\r\n"}).said(), "a\r\n.\r\n");
  EXPECT_EQ(accepted({}, {""}).said(), ".\r\n");
}

TEST_P(ClientContent, ChunksWithoutSuchDotsAreNotCopied) {
  const std::string chunk(1000, 'x');
  Dialogue d = accepted({}, {chunk, "y.z" + chunk, chunk + "\r\n"});
  EXPECT_EQ(d.copies, 0);
  Dialogue stuffed = accepted({}, {chunk, "\r\n." + chunk, chunk + "\r\n"});
  EXPECT_EQ(stuffed.copies, 1);
}

TEST_P(ClientContent, BdatGoesWhenRecipientsAreKnownAndInOneFlightWherePipelined) {
  Dialogue d = dialogue();
  d.open({"PIPELINING", "CHUNKING"});
  d.body = {".one\r\n", "two"};
  d.deliver({"a@peer.example", "b@peer.example"});
  EXPECT_EQ(d.said(),
            "MAIL FROM:<from@client.example>\r\nRCPT TO:<a@peer.example>\r\nRCPT "
            "TO:<b@peer.example>\r\n");
  d.hear("250 ok\r\n550 no\r\n");
  EXPECT_EQ(d.said(), "");
  d.hear("250 ok\r\n");
  EXPECT_EQ(d.said(), "BDAT 6\r\n.one\r\nBDAT 3 LAST\r\ntwo");
  d.hear("250 6 octets\r\n");
  EXPECT_EQ(d.finished, 0);
  d.hear("250 2.0.0 done\r\n");
  EXPECT_EQ(d.outcome(0).verdict, Verdict::kPermanent);
  EXPECT_EQ(d.outcome(1).verdict, Verdict::kDelivered);
  EXPECT_EQ(d.outcome(1).stage, Stage::kFinalDot);
  EXPECT_EQ(d.outcome(1).reply.text, "done");
}

TEST_P(ClientContent, BdatWaitsForEachReplyWithoutPipelining) {
  Dialogue d = accepted({"CHUNKING"}, {"one", "two"});
  EXPECT_EQ(d.said(), "BDAT 3\r\none");
  d.hear("250 ok\r\n");
  EXPECT_EQ(d.said(), "BDAT 3 LAST\r\ntwo");
  d.hear("250 ok\r\n");
  EXPECT_EQ(d.outcome(0).verdict, Verdict::kDelivered);
}

TEST_P(ClientContent, BdatSendsAnEmptyMessageAndNoEmptyChunksElse) {
  EXPECT_EQ(accepted({"CHUNKING"}, {""}).said(), "BDAT 0 LAST\r\n");
  EXPECT_EQ(accepted({"PIPELINING", "CHUNKING"}, {"", "a"}).said(), "BDAT 1 LAST\r\na");
}

TEST_P(ClientContent, BdatSendsNothingWhereNobodyWasAccepted) {
  Dialogue d = dialogue();
  d.open({"PIPELINING", "CHUNKING"});
  d.deliver({"a@peer.example"});
  (void)d.said();
  d.hear("250 ok\r\n550 no\r\n");
  EXPECT_EQ(d.finished, 1);
  EXPECT_EQ(d.said(), "");
  d.deliver({"a@peer.example"});
  EXPECT_EQ(d.said().substr(0, 6), "RSET\r\n");
}

TEST_P(ClientContent, ARefusedBdatEndsTheMessageButNotTheSession) {
  Dialogue d = accepted({"PIPELINING", "CHUNKING"}, {"one", "two", "three"}, false);
  d.give_chunk();
  ASSERT_EQ(d.chunk_wanted, 1);
  d.hear("552 5.2.2 full\r\n");
  EXPECT_EQ(d.finished, 0) << "a chunk is still on its way from the store";
  (void)d.said();
  d.give_chunk();
  EXPECT_EQ(d.said(), "");
  ASSERT_EQ(d.finished, 1);
  EXPECT_EQ(d.outcome(0).verdict, Verdict::kPermanent);
  EXPECT_EQ(d.outcome(0).stage, Stage::kContent);
  EXPECT_TRUE(d.is_ready());
  d.deliver({"a@peer.example"});
  EXPECT_EQ(d.said().substr(0, 6), "RSET\r\n");
}

TEST_P(ClientContent, AHoleInTheContentIsNotMadeGoodByALaterYes) {
  Dialogue d = accepted({"PIPELINING", "CHUNKING"}, {"one", "two"});
  d.hear("452 no room for one\r\n");
  d.hear("250 delivered!\r\n");
  ASSERT_EQ(d.finished, 1);
  EXPECT_EQ(d.outcome(0).verdict, Verdict::kTemporary);
  EXPECT_EQ(d.outcome(0).reply.text, "no room for one");
  (void)d.said();
  d.deliver({"a@peer.example"});
  EXPECT_EQ(d.said().substr(0, 6), "RSET\r\n");
}

TEST_P(ClientContent, IsMaybeDeliveredOnceTheLastChunkWasSent) {
  for (const bool last : {false, true}) {
    Dialogue d = accepted({"PIPELINING", "CHUNKING"}, {"one", "two"}, false);
    d.give_chunk();
    if (last) d.give_chunk();
    d.event(PeerGone{"end of file"});
    EXPECT_EQ(d.outcome(0).verdict, last ? Verdict::kMaybe : Verdict::kUntried);
    EXPECT_EQ(d.outcome(0).stage, last ? Stage::kFinalDot : Stage::kContent);
    EXPECT_EQ(d.failure->words.find("more than once") != std::string::npos, last);
  }
}

TEST_P(ClientContent, StaysAtMostTwoChunksAheadOfTheKernel) {
  for (const char* offer : {"8BITMIME", "CHUNKING"}) {
    Dialogue d = dialogue();
    d.open({"PIPELINING", offer});
    d.body = {"a\r\n", "b\r\n", "c\r\n", "d\r\n"};
    d.gives_chunks = d.writes = false;
    d.deliver({"a@peer.example"});
    d.hear("250 ok\r\n250 ok\r\n");
    if (offer != std::string("CHUNKING")) d.hear("354 go\r\n");
    d.event(Written{});
    ASSERT_EQ(d.chunk_wanted, 0);
    d.give_chunk();
    ASSERT_EQ(d.chunk_wanted, 1);
    d.give_chunk();
    EXPECT_FALSE(d.chunk_wanted.has_value());
    d.now += std::chrono::minutes(2);
    d.event(Written{});
    EXPECT_EQ(d.chunk_wanted, 2);
    EXPECT_EQ(d.deadline(), d.now + ClientTimeouts{}.block);
  }
}

TEST_P(ClientContent, TimesOutWhereThePeerTakesNoContent) {
  Dialogue d = accepted({"PIPELINING"}, {"a", "b", "c", "d"}, false);
  d.writes = false;
  d.give_chunk();
  d.give_chunk();
  EXPECT_EQ(d.deadline(), d.now + ClientTimeouts{}.block);
  d.time_out();
  EXPECT_EQ(d.outcome(0).verdict, Verdict::kUntried);
  EXPECT_EQ(d.failure->stage, Stage::kContent);
  EXPECT_TRUE(d.failure->timed_out);
}

TEST_P(ClientContent, AnEarlyRefusalIsAVerdictAndTheEnd) {
  Dialogue d = accepted({"PIPELINING"}, {"a", "b"}, false);
  d.give_chunk();
  d.hear("552 5.3.4 too big\r\n");
  EXPECT_EQ(d.outcome(0).verdict, Verdict::kPermanent);
  EXPECT_EQ(d.outcome(0).stage, Stage::kContent);
  EXPECT_TRUE(d.is_dead());
}

TEST_P(ClientContent, AnEarlyYesIsNoDelivery) {
  Dialogue d = accepted({"PIPELINING"}, {"a", "b"}, false);
  d.give_chunk();
  d.hear("250 thanks\r\n");
  EXPECT_EQ(d.outcome(0).verdict, Verdict::kUntried);
  EXPECT_TRUE(d.is_dead());
}

TEST_P(ClientContent, OurOwnLossOfTheContentDelaysAndBreaksTheConnection) {
  for (const char* offer : {"8BITMIME", "CHUNKING"}) {
    Dialogue d = accepted({"PIPELINING", offer}, {"a", "b"}, false);
    d.event(BodyLost{"chunk 0 is corrupt"});
    ASSERT_EQ(d.finished, 1);
    EXPECT_EQ(d.outcome(0).verdict, Verdict::kTemporary);
    EXPECT_EQ(d.outcome(0).reply.code, 0);
    EXPECT_EQ(d.outcome(0).reply.enhanced, (EnhancedCode{4, 3, 0}));
    EXPECT_THAT(d.failure->words, HasSubstr("chunk 0 is corrupt"));
    EXPECT_TRUE(d.is_dead());
  }
}

// ---- what the peer cannot do

struct Lack {
  const char* name;
  std::vector<std::string> offers;
  void (*change)(mail::Envelope&);
  EnhancedCode enhanced;  // {}: it can
};
const Lack kLacks[] = {
    {"size told", {"SIZE 999"}, [](mail::Envelope&) {}, {5, 3, 4}},
    {"size enough", {"SIZE 1000"}, [](mail::Envelope&) {}, {}},
    {"size not told", {"SIZE"}, [](mail::Envelope& e) { e.body_bytes = 1U << 30; }, {}},
    {"utf8 headers", {"8BITMIME"}, [](mail::Envelope& e) { e.smtputf8 = true; }, {5, 6, 7}},
    {"utf8 sender",
     {"8BITMIME"},
     [](mail::Envelope& e) { e.sender = mail::Mailbox::trusted("ü@client.example"); },
     {5, 6, 7}},
    {"utf8 offered", {"8BITMIME", "SMTPUTF8"}, [](mail::Envelope& e) { e.smtputf8 = true; }, {}},
    {"8-bit content", {"SIZE"}, [](mail::Envelope& e) { e.eight_bit = true; }, {5, 6, 3}},
    {"8-bit offered", {"8BITMIME"}, [](mail::Envelope& e) { e.eight_bit = true; }, {}},
    {"7-bit content called 8-bit",
     {},
     [](mail::Envelope& e) { e.body_type = mail::BodyType::k8BitMime; },
     {}},
    {"binary",
     {"8BITMIME", "CHUNKING"},
     [](mail::Envelope& e) { e.body_type = mail::BodyType::kBinaryMime; },
     {5, 6, 3}},
    {"binary offered",
     {"CHUNKING", "BINARYMIME"},
     [](mail::Envelope& e) { e.body_type = mail::BodyType::kBinaryMime; },
     {}},
};

TEST_P(ClientContent, WhatThePeerCannotTakeIsRefusedUnsent) {
  for (const Lack& lack : kLacks) {
    SCOPED_TRACE(lack.name);
    Dialogue d = dialogue();
    d.open(lack.offers);
    mail::Envelope envelope = plain_envelope();
    lack.change(envelope);
    d.deliver({"a@peer.example"}, envelope);
    if (lack.enhanced == EnhancedCode{}) {
      EXPECT_EQ(d.said().substr(0, 4), "MAIL");
      continue;
    }
    EXPECT_EQ(d.said(), "");
    ASSERT_EQ(d.finished, 1);
    EXPECT_EQ(d.outcome(0).verdict, Verdict::kPermanent);
    EXPECT_EQ(d.outcome(0).reply.code, 0);
    EXPECT_EQ(d.outcome(0).reply.enhanced, lack.enhanced);
    EXPECT_TRUE(d.is_ready()) << "the connection is good for the next message";
  }
}

// A host that refuses EHLO says nothing of 8BITMIME: the next one may, or the same one later.
TEST_P(ClientContent, WhatAHostThatKnowsOnlyHeloMightTakeIsTriedAgainLater) {
  for (const Lack& lack : kLacks) {
    const bool needs_extension = lack.enhanced.subject == 6;
    if (!needs_extension) continue;
    SCOPED_TRACE(lack.name);
    Dialogue d = dialogue();
    d.event(Connected{});
    d.hear("220 hi\r\n");
    d.hear("502 what?\r\n");
    d.hear("250 oh, hello\r\n");
    (void)d.said();
    mail::Envelope envelope = plain_envelope();
    lack.change(envelope);
    d.deliver({"a@peer.example"}, envelope);
    EXPECT_EQ(d.said(), "");
    ASSERT_EQ(d.finished, 1);
    EXPECT_EQ(d.outcome(0).verdict, Verdict::kTemporary);
    EXPECT_EQ(d.outcome(0).reply.code, 0);
    EXPECT_EQ(d.outcome(0).reply.enhanced, (EnhancedCode{4, 6, lack.enhanced.detail}));
    EXPECT_THAT(d.outcome(0).reply.text, HasSubstr("refused EHLO"));
  }
}

TEST_P(ClientContent, OnlyTheRecipientThatNeedsUtf8FailsWithoutIt) {
  Dialogue d = dialogue();
  d.open({"PIPELINING"});
  d.deliver({"a@peer.example", "ü@peer.example"});
  EXPECT_EQ(d.said(), "MAIL FROM:<from@client.example>\r\nRCPT TO:<a@peer.example>\r\nDATA\r\n");
  d.hear("250 ok\r\n250 ok\r\n354 go\r\n");
  d.hear("250 ok\r\n");
  EXPECT_EQ(d.outcome(0).verdict, Verdict::kDelivered);
  EXPECT_EQ(d.outcome(1).verdict, Verdict::kPermanent);
  EXPECT_EQ(d.outcome(1).reply.enhanced, (EnhancedCode{5, 6, 7}));
}

TEST_P(ClientContent, SaysSmtputf8WhereAnAddressNeedsIt) {
  Dialogue d = dialogue();
  d.open({"PIPELINING", "SMTPUTF8", "8BITMIME"});
  d.deliver({"ü@peer.example"});
  EXPECT_THAT(
      d.said(),
      HasSubstr("MAIL FROM:<from@client.example> SMTPUTF8\r\nRCPT TO:<ü@peer.example>\r\n"));
}

}  // namespace
}  // namespace posthaste::smtp
