#include "lib/smtp/client_command.h"

#include <gtest/gtest.h>

#include "lib/smtp/dot_stuffer.h"
#include "lib/smtp/stage.h"
#include "lib/smtp/xtext.h"
#include "tests/unit/smtp/client_dialogue.h"

namespace posthaste::smtp {
namespace {

Capabilities everything() {
  Capabilities all;
  all.pipelining = all.chunking = all.eight_bit_mime = all.smtputf8 = all.dsn = all.binary_mime =
      all.size = true;
  return all;
}

std::string mail_line(const mail::Envelope& envelope, bool utf8, const Capabilities& capabilities) {
  std::string line;
  append_mail(line, envelope, {utf8, false, {}}, capabilities);
  return line;
}
std::string rcpt_line(const mail::Recipient& recipient, const Capabilities& capabilities,
                      bool ask_delay = false) {
  std::string line;
  append_rcpt(line, recipient, capabilities, ask_delay);
  return line;
}

TEST(ClientCommand, MailCarriesWhatIsOfferedAndNeeded) {
  mail::Envelope envelope = plain_envelope();
  EXPECT_EQ(mail_line(envelope, false, {}), "MAIL FROM:<from@client.example>\r\n");
  EXPECT_EQ(mail_line(envelope, false, everything()),
            "MAIL FROM:<from@client.example> SIZE=1000\r\n");
  envelope.eight_bit = true;
  envelope.ret = mail::DsnReturn::kHeaders;
  envelope.envid = "QQ=314+1";
  EXPECT_EQ(mail_line(envelope, true, everything()),
            "MAIL FROM:<from@client.example> SIZE=1000 BODY=8BITMIME SMTPUTF8 RET=HDRS "
            "ENVID=QQ+3D314+2B1\r\n");
  EXPECT_EQ(mail_line(envelope, false, {}), "MAIL FROM:<from@client.example>\r\n");
  envelope.body_type = mail::BodyType::kBinaryMime;
  envelope.ret = mail::DsnReturn::kFull;
  envelope.sender = {};
  EXPECT_EQ(mail_line(envelope, false, everything()),
            "MAIL FROM:<> SIZE=1000 BODY=BINARYMIME RET=FULL ENVID=QQ+3D314+2B1\r\n");
}

TEST(ClientCommand, RcptCarriesNotifyAndOrcpt) {
  mail::Recipient to = recipient(0, "a@peer.example");
  to.notify = mail::kNotifySuccess | mail::kNotifyFailure | mail::kNotifyDelay;
  to.orcpt = "rfc822;a+b@peer.example";
  EXPECT_EQ(
      rcpt_line(to, everything()),
      "RCPT TO:<a@peer.example> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;a+2Bb@peer.example\r\n");
  EXPECT_EQ(rcpt_line(to, {}), "RCPT TO:<a@peer.example>\r\n");
  to.notify = mail::kNotifyDelay;
  EXPECT_EQ(rcpt_line(to, everything()),
            "RCPT TO:<a@peer.example> NOTIFY=DELAY ORCPT=rfc822;a+2Bb@peer.example\r\n");
  to.orcpt.clear();
  to.notify = mail::kNotifyNever;
  EXPECT_EQ(rcpt_line(to, everything()), "RCPT TO:<a@peer.example> NOTIFY=NEVER\r\n");
}

TEST(ClientCommand, RcptNamesTheOriginalRecipientWhereNobodyHasYet) {
  mail::Recipient to = recipient(0, "a+b@peer.example");
  EXPECT_EQ(rcpt_line(to, everything()),
            "RCPT TO:<a+b@peer.example> ORCPT=rfc822;a+2Bb@peer.example\r\n");
  EXPECT_EQ(rcpt_line(to, {}), "RCPT TO:<a+b@peer.example>\r\n");
  EXPECT_EQ(rcpt_line(recipient(0, "\xC3\xBC@peer.example"), everything()),
            "RCPT TO:<\xC3\xBC@peer.example> ORCPT=utf-8;\\x{FC}@peer.example\r\n");
  // RFC 3461 §4.2: up to 500 octets; what would be longer stays away.
  const std::string fits = std::string(480, 'a') + "@peer.example";
  EXPECT_NE(rcpt_line(recipient(0, fits), everything()).find(" ORCPT=rfc822;aaa"),
            std::string::npos);
  EXPECT_EQ(rcpt_line(recipient(0, "a" + fits), everything()), "RCPT TO:<a" + fits + ">\r\n");
}

TEST(ClientCommand, RcptAsksForDelaysOnlyOfThoseWhoDidNotForbidIt) {
  const auto asked = [](unsigned notify) {
    mail::Recipient to = recipient(0, "a@peer.example");
    to.notify = static_cast<std::uint8_t>(notify);
    const std::string line = rcpt_line(to, everything(), true);
    return line.substr(0, line.find(" ORCPT"));
  };
  EXPECT_EQ(asked(0), "RCPT TO:<a@peer.example> NOTIFY=FAILURE,DELAY");
  EXPECT_EQ(asked(mail::kNotifySuccess), "RCPT TO:<a@peer.example> NOTIFY=SUCCESS,DELAY");
  EXPECT_EQ(asked(mail::kNotifyDelay), "RCPT TO:<a@peer.example> NOTIFY=DELAY");
  EXPECT_EQ(asked(mail::kNotifyNever), "RCPT TO:<a@peer.example> NOTIFY=NEVER\r\n");
}

TEST(ClientCommand, OrcptSurvivesTheWayThroughOurServerAndOut) {
  for (const char* orcpt :
       {"rfc822;a+b=c@x.example", "rfc822;\"a b\"@x.example", "utf-8;\xC3\xBC+\\=@x.example",
        "utf-8;\xF0\x9F\x98\x80@x.example", "x400;/C=us;/A=x"}) {
    mail::Recipient to = recipient(0, "a@peer.example");
    to.orcpt = orcpt;
    const std::string line = rcpt_line(to, everything());
    const std::size_t value = line.find("ORCPT=") + 6;
    for (const char c : line) EXPECT_TRUE(c == '\r' || c == '\n' || (c >= ' ' && c <= '~'));
    const auto decoded =
        decode_orcpt(std::string_view(line).substr(value, line.size() - value - 2), false);
    ASSERT_TRUE(decoded.has_value()) << line << decoded.error().words;
    EXPECT_EQ(*decoded, orcpt);
  }
}

TEST(ClientCommand, XtextLetsNoLineEndOrSpaceThrough) {
  std::string text;
  append_xtext(text, std::string_view("a b\r\nc\0=+~!\xFF", 12));
  EXPECT_EQ(text, "a+20b+0D+0Ac+00+3D+2B~!+FF");
}

TEST(DotStuffer, CarriesTheLineStateOverEveryCut) {
  const std::string content = ".\r\n..a\r\n.b.\r\n\r\n.\r.\n.c\r\n";
  const std::string stuffed = "..\r\n...a\r\n..b.\r\n\r\n..\r..\n..c\r\n";
  for (std::size_t first = 0; first <= content.size(); ++first) {
    for (std::size_t second = first; second <= content.size(); ++second) {
      DotStuffer stuffer;
      std::string result;
      for (const std::string& chunk :
           {content.substr(0, first), content.substr(first, second - first),
            content.substr(second)}) {
        result += stuffer.stuff(chunk).value_or(chunk);
      }
      EXPECT_EQ(result, stuffed);
      EXPECT_EQ(stuffer.terminator(), ".\r\n");
    }
  }
}

TEST(DotStuffer, EndsWithALineEndWhereThereIsNone) {
  for (const char* content : {"a", "a\r", "a\n", "a\r\n\r", "\n"}) {
    DotStuffer stuffer;
    EXPECT_FALSE(stuffer.stuff(content).has_value());
    EXPECT_EQ(stuffer.terminator(), "\r\n.\r\n") << content;
  }
  EXPECT_EQ(DotStuffer{}.terminator(), ".\r\n");
  DotStuffer cut;
  (void)cut.stuff("a\r");
  (void)cut.stuff("\n");
  EXPECT_EQ(cut.terminator(), ".\r\n");
}

TEST(Capabilities, AreReadInAnyCaseAndOrder) {
  const Reply reply{
      250,
      {},
      "DSN.example CHUNKING\nsize 35882577\nPipelining\n8BITMIME x\nXUNKNOWN\nSTARTTLSX\n\nDSN"};
  Capabilities expected;
  expected.size = expected.pipelining = expected.eight_bit_mime = expected.dsn = true;
  expected.size_max = 35882577;
  EXPECT_EQ(parse_capabilities(reply), expected);
  EXPECT_EQ(parse_capabilities(Reply{250, {}, "peer.example"}), Capabilities{});
}

TEST(Capabilities, ASizeThatIsNoNumberIsNoLimit) {
  const auto size_of = [](std::string line) {
    return parse_capabilities(Reply{250, {}, "peer\n" + line}).size_max;
  };
  EXPECT_EQ(size_of("SIZE"), 0U);
  EXPECT_EQ(size_of("SIZE "), 0U);
  EXPECT_EQ(size_of("SIZE 0"), 0U);
  EXPECT_EQ(size_of("SIZE -1"), 0U);
  EXPECT_EQ(size_of("SIZE 10M"), 0U);
  EXPECT_EQ(size_of("SIZE 10 20"), 10U);
  EXPECT_EQ(size_of("SIZE 99999999999999999999999"), ~0ULL);
}

TEST(Capabilities, TheLeastTimeOfDeliverByIsReadWithOrWithoutMoreBehindIt) {
  const auto read = [](std::string line) {
    return parse_capabilities(Reply{250, {}, "peer\n" + line});
  };
  EXPECT_TRUE(read("DELIVERBY").deliver_by);
  EXPECT_EQ(read("DELIVERBY").deliver_by_seconds_min, 0U);
  EXPECT_EQ(read("deliverby 240").deliver_by_seconds_min, 240U);
  EXPECT_EQ(read("DELIVERBY 240,x=y").deliver_by_seconds_min, 240U);
  EXPECT_EQ(read("DELIVERBY 999999999").deliver_by_seconds_min, 999'999'999U);
  for (const char* bad : {"DELIVERBY ,x", "DELIVERBY -5", "DELIVERBY 5s", "DELIVERBY 1000000000"}) {
    EXPECT_TRUE(read(bad).deliver_by) << bad;
    EXPECT_EQ(read(bad).deliver_by_seconds_min, 0U) << bad;
  }
  EXPECT_TRUE(read("MT-PRIORITY STANAG4406").mt_priority);
  EXPECT_FALSE(read("MT-PRIORITYX").mt_priority);
}

TEST(Stage, HasANameAndWords) {
  EXPECT_EQ(name(Stage::kConnect), "connect");
  EXPECT_EQ(name(Stage::kFinalDot), "final_dot");
  EXPECT_EQ(name(Stage::kQuit), "quit");
  EXPECT_EQ(words(Stage::kFinalDot), "sending end of data -- message may be sent more than once");
}

}  // namespace
}  // namespace posthaste::smtp
