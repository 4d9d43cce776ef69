// RFC 8689, both halves: REQUIRETLS of MAIL, and the header field TLS-Required.
#include <gmock/gmock.h>

#include "tests/unit/smtp/client_dialogue.h"
#include "tests/unit/smtp/server_dialogue.h"

namespace posthaste::smtp {
namespace {

using mail::TlsWish;
using testing::HasSubstr;
using testing::Not;

policy::TlsFacts facts(bool verified) {
  policy::TlsFacts made;
  made.version = "TLSv1.3";
  made.cipher = "TLS_AES_128_GCM_SHA256";
  made.certificate_present = true;
  made.verified = verified;
  return made;
}

// ---- onward

class RequireTlsOnward : public DialogueTest {
 protected:
  Dialogue open_tls(bool verified, std::vector<std::string> offers) {
    Dialogue d = dialogue(with(TlsNeed::kRequired));
    d.event(Connected{});
    d.hear("220 hi\r\n");
    d.hear("250-peer\r\n250-REQUIRETLS\r\n250 STARTTLS\r\n");
    d.hear("220 go\r\n");
    d.event(TlsUp{facts(verified)});
    d.hear(Dialogue::ehlo_reply(std::move(offers)));
    EXPECT_TRUE(d.is_ready());
    (void)d.said();
    return d;
  }
  static mail::Envelope wishing(TlsWish wish) {
    mail::Envelope envelope = plain_envelope();
    envelope.tls_wish = wish;
    return envelope;
  }
  static void expect_refused(Dialogue& d, const char* words) {
    d.deliver(std::vector<std::string>{"a@peer.example", "b@peer.example"},
              wishing(TlsWish::kRequireTls));
    EXPECT_EQ(d.said(), "");
    ASSERT_EQ(d.finished, 1);
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_EQ(d.outcome(i).verdict, Verdict::kPermanent);
      EXPECT_EQ(d.outcome(i).reply.code, 0);
      EXPECT_EQ(d.outcome(i).reply.enhanced, (EnhancedCode{5, 7, 30}));
      EXPECT_THAT(d.outcome(i).reply.text, HasSubstr("REQUIRETLS"));
      EXPECT_THAT(d.outcome(i).reply.text, HasSubstr(words));
    }
    // RFC 8689 §4.2.1: the host may still get other mail.
    EXPECT_TRUE(d.is_ready());
    d.deliver({"a@peer.example"});
    EXPECT_EQ(d.said().substr(0, 33), "MAIL FROM:<from@client.example>\r\n");
  }
};
INSTANTIATE_TEST_SUITE_P(Reads, RequireTlsOnward, testing::Bool(), reads_name);

TEST_P(RequireTlsOnward, PassesTheDemandOnToAVerifiedHostThatOffersIt) {
  Dialogue d = open_tls(true, {"requiretls"});
  EXPECT_TRUE(d.ready->capabilities.requiretls);
  d.deliver({"a@peer.example"}, wishing(TlsWish::kRequireTls));
  EXPECT_EQ(d.said(), "MAIL FROM:<from@client.example> REQUIRETLS\r\n");
}

TEST_P(RequireTlsOnward, SendsNothingToAHostThatDoesNotOfferItWithinTls) {
  Dialogue d = open_tls(true, {"8BITMIME"});
  expect_refused(d, "does not offer it");
}

TEST_P(RequireTlsOnward, SendsNothingToAHostThatIsNotVerified) {
  Dialogue d = open_tls(false, {"REQUIRETLS"});
  expect_refused(d, "could not be verified");
}

TEST_P(RequireTlsOnward, SendsNothingInPlaintextWhateverIsOfferedThere) {
  Dialogue d = dialogue();
  d.open({"REQUIRETLS"});
  expect_refused(d, "has no TLS");
}

TEST_P(RequireTlsOnward, IsAskedForBeforeAnythingElseThatTheHostLacks) {
  Dialogue d = open_tls(true, {"SIZE 1"});
  d.deliver({"a@peer.example"}, wishing(TlsWish::kRequireTls));
  EXPECT_EQ(d.outcome(0).reply.enhanced, (EnhancedCode{5, 7, 30}))
      << "another host may have more room, and is only tried for this";
}

TEST_P(RequireTlsOnward, IsSaidOnlyOfMailThatAskedForIt) {
  for (const TlsWish wish : {TlsWish::kPolicy, TlsWish::kOptional}) {
    Dialogue d = open_tls(true, {"REQUIRETLS"});
    d.deliver({"a@peer.example"}, wishing(wish));
    EXPECT_EQ(d.said(), "MAIL FROM:<from@client.example>\r\n");
  }
}

// RFC 8689 §5.
TEST_P(RequireTlsOnward, ANotificationTakesItWhereItCanAndGoesWithoutWhereItCannot) {
  mail::Envelope notification = wishing(TlsWish::kRequireTlsIfOffered);
  notification.sender = {};
  Dialogue good = open_tls(true, {"REQUIRETLS"});
  good.deliver({"a@peer.example"}, notification);
  EXPECT_EQ(good.said(), "MAIL FROM:<> REQUIRETLS\r\n");
  Dialogue unverified = open_tls(false, {"REQUIRETLS"});
  unverified.deliver({"a@peer.example"}, notification);
  EXPECT_EQ(unverified.said(), "MAIL FROM:<>\r\n");
  Dialogue old = open_tls(true, {"8BITMIME"});
  old.deliver({"a@peer.example"}, notification);
  EXPECT_EQ(old.said(), "MAIL FROM:<>\r\n");
}

// ---- on submission

ServerOptions starttls_options() {
  ServerOptions options = trusted_options();
  options.offer_starttls = true;
  return options;
}

ServerDialogue within_tls() {
  ServerDialogue dialogue(starttls_options());
  dialogue.store_at_once = true;
  dialogue.hello();
  dialogue.say("STARTTLS\r\n");
  dialogue.event(server::TlsUp{facts(false)});
  dialogue.say("EHLO client.example\r\n");
  return dialogue;
}

TEST(RequireTlsSubmission, IsOfferedWithinTlsOnly) {
  ServerDialogue dialogue(starttls_options());
  EXPECT_THAT(dialogue.hello(), Not(HasSubstr("REQUIRETLS")));
  dialogue.say("STARTTLS\r\n");
  dialogue.event(server::TlsUp{facts(false)});
  EXPECT_THAT(dialogue.say("EHLO client.example\r\n"), HasSubstr("250-REQUIRETLS\r\n"));
  ServerOptions implicit = trusted_options();
  implicit.implicit_tls = true;
  ServerDialogue other(implicit);
  other.event(server::Accepted{});
  other.event(server::TlsUp{facts(false)});
  EXPECT_THAT(other.say("EHLO client.example\r\n"), HasSubstr("250-REQUIRETLS\r\n"));
}

TEST(RequireTlsSubmission, IsRefusedInPlaintext) {
  ServerDialogue offered(starttls_options());
  offered.hello();
  EXPECT_THAT(offered.say("MAIL FROM:<a@example.com> REQUIRETLS\r\n"), HasSubstr("530 5.7.10 "));
  EXPECT_EQ(codes(offered.say("MAIL FROM:<a@example.com>\r\n")), "250");
  ServerDialogue never;
  never.hello();
  EXPECT_THAT(never.say("MAIL FROM:<a@example.com> REQUIRETLS\r\n"), HasSubstr("501 5.7.10 "));
}

TEST(RequireTlsSubmission, TakesNoValueAndComesOnce) {
  ServerDialogue dialogue = within_tls();
  for (const char* parameters :
       {"REQUIRETLS=yes", "REQUIRETLS=", "REQUIRETLS REQUIRETLS", "REQUIRETLS requiretls"}) {
    EXPECT_THAT(dialogue.say("MAIL FROM:<a@example.com> " + std::string(parameters) + "\r\n"),
                HasSubstr("501 5.5.4 "))
        << parameters;
  }
  EXPECT_EQ(codes(dialogue.say("MAIL FROM:<a@example.com> SIZE=10 requiretls\r\n")), "250");
}

struct Submitted {
  const char* parameters;
  const char* header;
  TlsWish wish;
};
constexpr Submitted kSubmitted[] = {
    {"", "Subject: x\r\n", TlsWish::kPolicy},
    {"", "TLS-Required: No\r\n", TlsWish::kOptional},
    {"", "Subject: x\r\ntls-required: no\r\n", TlsWish::kOptional},
    {"", "TLS-Required: Yes\r\n", TlsWish::kPolicy},
    {"", "Subject: x\r\n\r\nTLS-Required: No\r\n", TlsWish::kPolicy},
    {" REQUIRETLS", "Subject: x\r\n", TlsWish::kRequireTls},
    {" REQUIRETLS", "TLS-Required: No\r\n", TlsWish::kRequireTls},  // RFC 8689 §4.1
};

TEST(RequireTlsSubmission, TheEnvelopeKeepsWhatTheSenderWants) {
  for (const std::size_t octets_per_read : {0U, 1U, 7U}) {
    ServerDialogue dialogue = within_tls();
    std::size_t messages = 0;
    for (const Submitted& row : kSubmitted) {  // in one session: nothing is left of the one before
      const std::string begin = "MAIL FROM:<a@example.com>" + std::string(row.parameters) +
                                "\r\nRCPT TO:<b@example.net>\r\n";
      const std::string content = std::string(row.header) + "\r\nText.\r\n";
      dialogue.say(begin + "DATA\r\n" + content + ".\r\n", octets_per_read);
      dialogue.say(begin + "BDAT " + std::to_string(content.size()) + " LAST\r\n" + content,
                   octets_per_read);
      ASSERT_EQ(dialogue.submissions.size(), messages + 2);
      for (int i = 0; i < 2; ++i, ++messages) {
        EXPECT_EQ(dialogue.submissions[messages].envelope->tls_wish, row.wish)
            << row.parameters << row.header;
        EXPECT_EQ(dialogue.submissions[messages].last_chunk->find(row.header) != std::string::npos,
                  true)
            << "RFC 8689 §4.1: the field goes on with the message";
      }
    }
  }
}

// RFC 8689 §5.
TEST(RequireTlsSubmission, IsNoConditionOfANotification) {
  ServerDialogue dialogue = within_tls();
  dialogue.say("MAIL FROM:<> REQUIRETLS\r\nRCPT TO:<b@example.net>\r\nDATA\r\nx\r\n.\r\n");
  EXPECT_EQ(dialogue.submissions.at(0).envelope->tls_wish, TlsWish::kRequireTlsIfOffered);
}

TEST(RequireTlsSubmission, IsForgottenWithItsTransaction) {
  ServerDialogue dialogue = within_tls();
  dialogue.say("MAIL FROM:<a@example.com> REQUIRETLS\r\nRSET\r\n");
  dialogue.say(data_message("x\r\n.\r\n"));
  EXPECT_EQ(dialogue.submissions.at(0).envelope->tls_wish, TlsWish::kPolicy);
}

}  // namespace
}  // namespace posthaste::smtp
