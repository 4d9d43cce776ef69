#include "lib/smtp/server_session.h"

#include <gmock/gmock.h>

#include "tests/unit/smtp/server_dialogue.h"

namespace posthaste::smtp {
namespace {

using ::testing::HasSubstr;

TEST(ServerSession, GreetsAndOffersWhatItHas) {
  ServerOptions options = trusted_options();
  options.offer_starttls = true;
  ServerDialogue dialogue(options);
  EXPECT_EQ(dialogue.after(server::Accepted{}), "220 mta1.example.com ESMTP Posthaste\r\n");
  EXPECT_EQ(
      dialogue.say("EHLO client.example\r\n"),
      "250-mta1.example.com greets [192.0.2.7]\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n"
      "250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n250-CHUNKING\r\n250-DSN\r\n"
      "250-DELIVERBY 60\r\n250-FUTURERELEASE 604800 2026-11-28T12:00:00Z\r\n250-MT-PRIORITY\r\n"
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

TEST(ServerSession, WritesOnceForAPipelinedBatch) {
  ServerDialogue dialogue;
  dialogue.hello();
  const std::size_t before = dialogue.writes;
  dialogue.say(
      "NOOP\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\nRCPT "
      "TO:<c@example.net>\r\nDATA\r\n");
  EXPECT_EQ(dialogue.writes, before + 1);
  dialogue.say("x\r\n.\r\n" + data_message("y\r\n.\r\n"));
  EXPECT_EQ(dialogue.writes, before + 1);
  EXPECT_EQ(codes(dialogue.stored()), "250 250 250 354");  // and the second one is on its way
  EXPECT_EQ(dialogue.writes, before + 2);
  EXPECT_EQ(codes(dialogue.stored()), "250");
  EXPECT_EQ(dialogue.writes, before + 3);
}

TEST(ServerSession, RefusesAnUntrustedPeerWithTheNameOfTheSetting) {
  ServerOptions options = trusted_options();
  options.trusted = false;
  ServerDialogue dialogue(options);
  dialogue.hello();
  const std::string replies =
      dialogue.say("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n");
  EXPECT_EQ(codes(replies), "550 503 503");
  EXPECT_THAT(
      replies,
      HasSubstr("550 5.7.1 192.0.2.7 may not submit mail here: it is not in submission.trusted"));
  EXPECT_EQ(dialogue.notes.at(0).event, "rejected");
}

TEST(ServerSession, WantsCommandsInTheirOrder) {
  struct Row {
    std::string_view lines, codes;
  };
  constexpr Row kTable[] = {
      {"MAIL FROM:<>\r\nEHLO c\r\n", "503 250"},
      {"HELO c\r\nMAIL FROM:<a@b> SIZE=1\r\nMAIL FROM:<a@b>\r\n", "250 555 250"},
      {"EHLO c\r\nRCPT TO:<a@b>\r\nDATA\r\n", "250 503 503"},
      {"EHLO c\r\nMAIL FROM:<>\r\nMAIL FROM:<>\r\nDATA\r\n", "250 250 503 554"},
      {"EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nRSET\r\nDATA\r\n", "250 250 250 250 503"},
      {"EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nEHLO c\r\nDATA\r\n", "250 250 250 250 503"},
      {"EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA now\r\nRSET x\r\nDATA\r\n",
       "250 250 250 501 501 354"},
      {"NOOP\r\nNOOP x\r\nHELP\r\nVRFY a@b\r\nVRFY\r\nEXPN l\r\nTURN\r\nAUTH PLAIN\r\n",
       "250 250 214 252 501 502 500 500"},
      {"STARTTLS\r\nEHLO\r\nEHLO a;b\r\nQUIT x\r\nQUIT\r\nNOOP\r\n", "502 501 501 501 221"},
      {"\r\nNO\tOP\r\n\tNOOP\r\nNOOP\n", "500 500 250 500"},
  };
  for (const Row& row : kTable) {
    for (const std::size_t octets_per_read : {0U, 1U, 3U}) {
      ServerDialogue dialogue;
      dialogue.event(server::Accepted{});
      EXPECT_EQ(codes(dialogue.say(row.lines, octets_per_read)), row.codes) << row.lines;
    }
  }
}

TEST(ServerSession, ObeysOnlyLinesThatEndInCrlfAndHoldNoControlCharacters) {
  ServerDialogue dialogue;
  dialogue.hello();
  EXPECT_EQ(
      codes(dialogue.say("MAIL FROM:<>\nNOOP\r\r\nNO\rOP\r\n" + std::string("NOOP \0\r\n", 8))),
      "500 500 500 500");
  EXPECT_EQ(codes(dialogue.say("RCPT TO:<a@b>\r\n")), "503");
}

TEST(ServerSession, ComplainsOnceOfALineThatIsTooLong) {
  for (const std::size_t octets_per_read : {0U, 100U, 4096U}) {
    ServerDialogue dialogue;
    dialogue.hello();
    const std::string most = "NOOP " + std::string(4096 - 7, 'x') + "\r\n";
    EXPECT_EQ(codes(dialogue.say(most, octets_per_read)), "250");
    EXPECT_EQ(codes(dialogue.say("x" + most + std::string(100'000, 'y') + "\r\nNOOP\r\n",
                                 octets_per_read)),
              "500 500 250");
  }
}

TEST(ServerSession, KeepsADuplicateRecipientOnce) {
  ServerDialogue dialogue;
  dialogue.hello();
  EXPECT_EQ(codes(dialogue.say("MAIL FROM:<>\r\nRCPT TO:<b@example.net>\r\nRCPT "
                               "TO:<b@EXAMPLE.net>\r\nRCPT TO:<B@example.net>\r\nDATA\r\n")),
            "250 250 250 250 354");
  dialogue.say(".\r\n");
  ASSERT_EQ(dialogue.submissions.size(), 1U);
  ASSERT_EQ(dialogue.submissions[0].recipients.size(), 2U);
  EXPECT_EQ(dialogue.submissions[0].recipients[0].address.text(), "b@example.net");
  EXPECT_EQ(dialogue.submissions[0].recipients[1].address.text(), "B@example.net");
  EXPECT_EQ(dialogue.submissions[0].recipients[1].number, 1);
  EXPECT_EQ(dialogue.submissions[0].envelope->recipients_total, 2);
  EXPECT_THAT(dialogue.body(), ::testing::Not(HasSubstr("for <")));
}

TEST(ServerSession, TakesNoMoreRecipientsThanItMay) {
  ServerOptions options = trusted_options();
  options.recipients_max = 2;
  ServerDialogue dialogue(options);
  dialogue.hello();
  const std::string replies = dialogue.say(
      "MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nRCPT TO:<c@b>\r\nRCPT TO:<d@b>\r\nRCPT TO:<a@b>\r\n");
  EXPECT_EQ(codes(replies), "250 250 250 452 250");
  EXPECT_THAT(replies, HasSubstr("452 4.5.3 "));
}

TEST(ServerSession, RefusesADeclaredSizeAtOnce) {
  ServerOptions options = trusted_options();
  options.message_bytes_max = 1000;
  ServerDialogue dialogue(options);
  dialogue.hello();
  EXPECT_EQ(codes(dialogue.say("MAIL FROM:<> SIZE=1001\r\nMAIL FROM:<> SIZE=1000\r\n")), "552 250");
  EXPECT_THAT(dialogue.sent, HasSubstr("552 5.3.4 messages may have up to 1000 octets here"));
}

TEST(ServerSession, StoresWhatDsnParametersSay) {
  ServerDialogue dialogue;
  dialogue.hello();
  dialogue.say(
      "MAIL FROM:<\xC3\xA9@example.com> RET=FULL ENVID=q+2B1 BODY=8BITMIME SMTPUTF8\r\n"
      "RCPT TO:<b@example.net> NOTIFY=FAILURE,DELAY ORCPT=utf-8;\\x{E9}@example.com\r\nDATA\r\n");
  dialogue.say(".\r\n");
  ASSERT_EQ(dialogue.submissions.size(), 1U);
  const Submission& submission = dialogue.submissions[0];
  EXPECT_EQ(submission.envelope->sender.text(), "\xC3\xA9@example.com");
  EXPECT_EQ(submission.envelope->ret, mail::DsnReturn::kFull);
  EXPECT_EQ(submission.envelope->envid, "q+1");
  EXPECT_EQ(submission.envelope->body_type, mail::BodyType::k8BitMime);
  EXPECT_TRUE(submission.envelope->smtputf8);
  EXPECT_EQ(submission.recipients[0].notify, mail::kNotifyFailure | mail::kNotifyDelay);
  EXPECT_EQ(submission.recipients[0].orcpt, "utf-8;\xC3\xA9@example.com");
  EXPECT_THAT(dialogue.body(), HasSubstr(" with UTF8SMTP id "));
  // None of it sticks to the next message.
  dialogue.stored();
  dialogue.say(data_message(".\r\n"));
  EXPECT_EQ(dialogue.submissions[1].envelope->envid, "");
  EXPECT_FALSE(dialogue.submissions[1].envelope->smtputf8);
  EXPECT_EQ(dialogue.submissions[1].recipients[0].notify, 0);
}

TEST(ServerSession, KeepsSmtpUtf8OnlyWhereTheMailNeedsIt) {
  const auto needs = [](std::string_view sender, std::string_view content) {
    ServerDialogue dialogue;
    dialogue.hello();
    dialogue.say("MAIL FROM:<" + std::string(sender) +
                 "> SMTPUTF8\r\nRCPT TO:<b@example.net>\r\nDATA\r\n");
    dialogue.say(std::string(content) + "\r\n.\r\n");
    return dialogue.submissions.at(0).envelope->smtputf8;
  };
  EXPECT_FALSE(needs("a@example.com", "Subject: plain\r\n\r\nplain"));
  EXPECT_TRUE(needs("\xC3\xA9@example.com", "Subject: plain\r\n\r\nplain"));
  EXPECT_TRUE(needs("a@example.com", "Subject: \xC3\xA9\r\n\r\nplain"));
}

}  // namespace
}  // namespace posthaste::smtp
