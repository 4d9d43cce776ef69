// STARTTLS and implicit TLS, as the session sees them.
#include <gmock/gmock.h>

#include "tests/unit/smtp/server_dialogue.h"

namespace posthaste::smtp {
namespace {

using ::testing::HasSubstr;

ServerOptions starttls_options() {
  ServerOptions options = trusted_options();
  options.offer_starttls = true;
  return options;
}

policy::TlsFacts facts() {
  policy::TlsFacts made;
  made.version = "TLSv1.3";
  made.cipher = "TLS_AES_128_GCM_SHA256";
  return made;
}

TEST(ServerTls, ForgetsEverythingThatWasSaidBefore) {
  ServerDialogue dialogue(starttls_options());
  dialogue.hello();
  EXPECT_EQ(codes(dialogue.say("MAIL FROM:<>\r\nSTARTTLS\r\n")), "250 220");
  EXPECT_TRUE(std::holds_alternative<server::Send>(dialogue.actions.front()));
  EXPECT_TRUE(std::holds_alternative<server::StartTls>(dialogue.actions.back()));
  EXPECT_FALSE(dialogue.wants_bytes());
  EXPECT_EQ(dialogue.deadline(), kNoon + std::chrono::seconds(30));
  EXPECT_EQ(dialogue.after(server::TlsUp{facts()}), "");
  EXPECT_TRUE(dialogue.wants_bytes());
  EXPECT_EQ(codes(dialogue.say("MAIL FROM:<>\r\n")), "503");
  EXPECT_THAT(dialogue.say("EHLO client.example\r\n"), ::testing::Not(HasSubstr("STARTTLS")));
  EXPECT_EQ(codes(dialogue.say("STARTTLS\r\n")), "503");
  dialogue.say(data_message(".\r\n"));
  EXPECT_THAT(dialogue.body(), HasSubstr("with ESMTPS (TLSv1.3 TLS_AES_128_GCM_SHA256) id "));
  EXPECT_EQ(dialogue.submissions[0].envelope->submitter,
            "client.example[192.0.2.7]:50123 ESMTPS TLSv1.3 TLS_AES_128_GCM_SHA256");
}

TEST(ServerTls, EndsTheSessionWhenSomethingIsPipelinedAfterStarttls) {
  ServerDialogue dialogue(starttls_options());
  dialogue.hello();
  EXPECT_EQ(dialogue.say("STARTTLS\r\nEHLO evil\r\n"), "");
  EXPECT_EQ(dialogue.handshakes, 0);
  EXPECT_EQ(dialogue.hangups, 1);
  EXPECT_EQ(dialogue.notes.at(0).event, "plaintext_injection");

  ServerDialogue later(starttls_options());
  later.hello();
  later.say("STARTTLS\r\n");
  EXPECT_EQ(later.say("EHLO evil\r\n"), "");
  EXPECT_EQ(later.hangups, 1);
}

TEST(ServerTls, GreetsAfterAnImplicitHandshake) {
  ServerOptions options = trusted_options();
  options.implicit_tls = true;
  ServerDialogue dialogue(options);
  EXPECT_EQ(dialogue.after(server::Accepted{}), "");
  EXPECT_EQ(dialogue.handshakes, 1);
  EXPECT_EQ(codes(dialogue.after(server::TlsUp{facts()})), "220");
}

TEST(ServerTls, HangsUpSilentlyWhenTheHandshakeFails) {
  ServerDialogue failed(starttls_options());
  failed.hello();
  failed.say("STARTTLS\r\n");
  EXPECT_EQ(failed.after(server::TlsFailed{policy::TlsFailure::kNotTls, "no TLS"}), "");
  EXPECT_EQ(failed.notes.at(0).event, "tls_failed");
  EXPECT_EQ(failed.hangups, 1);

  ServerDialogue late(starttls_options());
  late.hello();
  late.say("STARTTLS\r\n");
  late.now = late.deadline();
  EXPECT_EQ(late.after(server::Tick{}), "");
  EXPECT_EQ(late.hangups, 1);
}

}  // namespace
}  // namespace posthaste::smtp
