#include "lib/smtp/server_session.h"

#include <gmock/gmock.h>

#include "tests/unit/smtp/server_dialogue.h"

namespace posthaste::smtp {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(ServerSession, GreetsAndOffersWhatItHas) {
  ServerOptions options = trusted_options();
  options.offer_starttls = true;
  ServerDialogue dialogue(options);
  EXPECT_EQ(dialogue.after(server::Accepted{}), "220 mta1.example.com ESMTP Posthaste\r\n");
  EXPECT_EQ(dialogue.say("EHLO client.example\r\n"),
            "250-mta1.example.com greets [192.0.2.7]\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n"
            "250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n250-CHUNKING\r\n250-DSN\r\n"
            "250-STARTTLS\r\n250 HELP\r\n");
}

TEST(ServerSession, StoresAMessageWithItsTraceFieldAndThenSaysSo) {
  ServerDialogue dialogue;
  dialogue.hello();
  EXPECT_EQ(codes(dialogue.say("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n")),
            "250 250 354");
  EXPECT_EQ(dialogue.say("Subject: x\r\n\r\n..dot\r\n.\r\n"), "");
  ASSERT_EQ(dialogue.submissions.size(), 1U);
  EXPECT_FALSE(dialogue.wants_bytes());
  EXPECT_EQ(dialogue.deadline(), kNever);

  const mail::Envelope& envelope = *dialogue.submissions[0].envelope;
  const std::string id = render_id(envelope.id);
  EXPECT_EQ(dialogue.body(),
            "Received: from client.example ([192.0.2.7])\r\n\tby mta1.example.com with ESMTP id " +
                id +
                "\r\n\tfor <b@example.net>; Sat, 21 Nov 2026 12:00:00 +0000\r\n"
                "Subject: x\r\n\r\n.dot\r\n");
  EXPECT_EQ(envelope.sender.text(), "a@example.com");
  EXPECT_EQ(envelope.arrived, kNoon);
  EXPECT_EQ(envelope.body_bytes, dialogue.body().size());
  EXPECT_EQ(envelope.body_chunks, 1);
  EXPECT_EQ(envelope.recipients_total, 1);
  EXPECT_FALSE(envelope.eight_bit);
  EXPECT_EQ(envelope.submitter, "client.example[192.0.2.7]:50123 ESMTP");

  EXPECT_EQ(dialogue.stored(), "250 2.0.0 queued as " + id + "\r\n");
  EXPECT_TRUE(dialogue.wants_bytes());

  // A whole pipelined transaction is answered with one write, once the store has answered.
  EXPECT_EQ(dialogue.say(data_message("again\r\n.\r\n")), "");
  EXPECT_EQ(codes(dialogue.stored()), "250 250 354 250");
}

}  // namespace
}  // namespace posthaste::smtp
