#include "lib/smtp/command.h"

#include <gtest/gtest.h>

#include "lib/smtp/path_arguments.h"

namespace posthaste::smtp {
namespace {

TEST(Command, IsAVerbInAnyCaseAndItsArgument) {
  struct Row {
    std::string_view line;
    Verb verb;
    std::string_view argument;
  };
  constexpr Row kTable[] = {
      {"EHLO client.example", Verb::kEhlo, "client.example"},
      {"ehlo  client.example  ", Verb::kEhlo, "client.example"},
      {"mail FROM:<a@b> SIZE=1", Verb::kMail, "FROM:<a@b> SIZE=1"},
      {"StartTls", Verb::kStartTls, ""},
      {"QUIT ", Verb::kQuit, ""},
      {" NOOP", Verb::kNoop, ""},
      {"POST / HTTP/1.1", Verb::kHttp, "/ HTTP/1.1"},
      {"DATAX", Verb::kUnknown, "DATAX"},
      {"AUTH PLAIN", Verb::kUnknown, "AUTH PLAIN"},
      {"", Verb::kUnknown, ""},
  };
  for (const Row& row : kTable) {
    const Command command = parse_command(row.line);
    EXPECT_EQ(command.verb, row.verb) << row.line;
    EXPECT_EQ(command.argument, row.argument) << row.line;
  }
}

TEST(Command, TakesHelloNamesThatMayGoIntoAHeader) {
  for (const std::string_view good :
       {"client.example", "localhost", "my_host-1", "[192.0.2.1]", "[IPv6:2001:db8::1]"}) {
    EXPECT_TRUE(parse_helo_name(good)) << good;
  }
  for (const std::string_view bad : {"", "two words", "a(b)", "a;b", "<a>", "[192.0.2]", "[]", "[",
                                     "\xC3\xA9.example", "a\"b"}) {
    EXPECT_FALSE(parse_helo_name(bad)) << bad;
  }
  EXPECT_TRUE(parse_helo_name(std::string(255, 'a')));
  EXPECT_FALSE(parse_helo_name(std::string(256, 'a')));
}

TEST(Command, TakesBdatApart) {
  const auto plain = parse_bdat("1234");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->octets, 1234U);
  EXPECT_FALSE(plain->last);
  const auto last = parse_bdat("0  last");
  ASSERT_TRUE(last);
  EXPECT_EQ(last->octets, 0U);
  EXPECT_TRUE(last->last);
  EXPECT_TRUE(parse_bdat("18446744073709551615"));
  for (const std::string_view bad : {"", "LAST", "-1", "+1", "1x", "1 LAS", "1 LAST 2",
                                     "18446744073709551616", "0x10", "000000000000000000001"}) {
    EXPECT_FALSE(parse_bdat(bad)) << bad;
  }
}

TEST(MailArguments, AreTakenWithAllParameters) {
  const auto mail =
      parse_mail("FROM:<a@example.com> SIZE=100 BODY=8bitmime RET=hdrs ENVID=x+2By SMTPUTF8", true);
  ASSERT_TRUE(mail) << mail.error().line;
  EXPECT_EQ(mail->sender.text(), "a@example.com");
  EXPECT_EQ(mail->size, 100U);
  EXPECT_EQ(mail->body_type, mail::BodyType::k8BitMime);
  EXPECT_EQ(mail->ret, mail::DsnReturn::kHeaders);
  EXPECT_EQ(mail->envid, "x+y");
  EXPECT_TRUE(mail->smtputf8);
}

TEST(MailArguments, MayNameNobody) {
  const auto mail = parse_mail("from:<>", false);
  ASSERT_TRUE(mail);
  EXPECT_TRUE(mail->sender.null());
  EXPECT_TRUE(parse_mail("FROM: <a@example.com>", true));  // the blank of half the world's scripts
}

TEST(MailArguments, FindTheEndOfAQuotedPath) {
  const auto mail = parse_mail("FROM:<\"a>\\\"b\"@example.com> SIZE=1", true);
  ASSERT_TRUE(mail) << mail.error().line;
  EXPECT_EQ(mail->sender.text(), "\"a>\\\"b\"@example.com");
}

struct Refused {
  std::string_view argument, line;
};

TEST(MailArguments, AreRefusedWithWords) {
  constexpr Refused kTable[] = {
      {"", "501 5.5.2 \"FROM:<address>\" has to follow"},
      {"<a@example.com>", "501 5.5.2 \"FROM:<address>\" has to follow"},
      {"FROM <a@example.com>", "501 5.5.2 \"FROM:<address>\" has to follow"},
      {"FROM:", "501 5.5.2 the address has to stand between \"<\" and \">\""},
      {"FROM:a@example.com", "501 5.5.2 the address has to stand between \"<\" and \">\""},
      {"FROM:<a@example.com", "501 5.5.2 the \">\" after the address is missing"},
      {"FROM:<a>", "501 5.1.7 the address has no domain"},
      {"FROM:<postmaster>", "501 5.1.7 the address has no domain"},
      {"FROM:<a@example.com>SIZE=1", "501 5.5.4 a space has to stand before each parameter"},
      {"FROM:<a@example.com> SIZE", "501 5.5.4 SIZE takes a number of octets"},
      {"FROM:<a@example.com> SIZE=-1", "501 5.5.4 SIZE takes a number of octets"},
      {"FROM:<a@example.com> SIZE=99999999999999999999", "501 5.5.4 SIZE takes a number of octets"},
      {"FROM:<a@example.com> SIZE=1 size=1", "501 5.5.4 SIZE is given twice"},
      {"FROM:<a@example.com> BODY=9BIT", "501 5.5.4 BODY is 7BIT or 8BITMIME"},
      {"FROM:<a@example.com> BODY=BINARYMIME", "501 5.5.4 BODY=BINARYMIME is not offered here"},
      {"FROM:<a@example.com> SMTPUTF8=1", "501 5.5.4 SMTPUTF8 takes no value"},
      {"FROM:<a@example.com> RET=BOTH", "501 5.5.4 RET is FULL or HDRS"},
      {"FROM:<a@example.com> ENVID=", "501 5.5.4 ENVID has 1 to 100 octets"},
      {"FROM:<a@example.com> ENVID=a+0A",
       "501 5.5.4 ENVID: xtext that stands for unprintable text"},
      {"FROM:<a@example.com> BY",
       "501 5.5.4 BY is a number of seconds, a semicolon, and N or R, maybe with T"},
      {"FROM:<a@example.com> BY=1;N by=1;N", "501 5.5.4 BY is given twice"},
      {"FROM:<a@example.com> HOLDFOR=1 HOLDFOR=1",
       "501 5.5.4 of HOLDFOR and HOLDUNTIL one can be given, once"},
      {"FROM:<a@example.com> HOLDFOR=1 HOLDUNTIL=2026-11-21T22:08:43Z",
       "501 5.5.4 of HOLDFOR and HOLDUNTIL one can be given, once"},
      {"FROM:<a@example.com> HOLDUNTIL=2026-11-21",
       "501 5.5.4 HOLDUNTIL takes a time in UTC, as 2026-11-21T22:08:43Z"},
      {"FROM:<a@example.com> MT-PRIORITY=10", "501 5.5.2 MT-PRIORITY is a number from -9 to 9"},
      {"FROM:<a@example.com> MT-PRIORITY=1 MT-PRIORITY=1", "501 5.5.4 MT-PRIORITY is given twice"},
      {"FROM:<a@example.com> AUTH=<>", "555 5.5.4 unknown parameter AUTH"},
      {"FROM:<a@example.com> \xC3\xA9=1", "555 5.5.4 unknown parameter ??"},
      {"FROM:<\xC3\xA9@example.com>", "553 5.6.7 the address needs the SMTPUTF8 parameter of MAIL"},
  };
  for (const Refused& row : kTable) {
    const auto mail = parse_mail(row.argument, true);
    ASSERT_FALSE(mail) << row.argument;
    EXPECT_EQ(mail.error().line, row.line);
  }
  EXPECT_EQ(parse_mail("FROM:<a@example.com> SIZE=1", false).error().line,
            "555 5.5.4 parameters need EHLO, not HELO");
  EXPECT_EQ(parse_mail("FROM:<a@example.com> BY=1;N", false).error().line,
            "555 5.5.4 parameters need EHLO, not HELO");
  EXPECT_TRUE(parse_mail("FROM:<> ENVID=" + std::string(100, 'a'), true));
  EXPECT_FALSE(parse_mail("FROM:<> ENVID=" + std::string(101, 'a'), true));
}

TEST(MailArguments, MayBeUtf8WhereTheParameterFollows) {
  const auto mail = parse_mail("FROM:<\xC3\xA9@example.com> SMTPUTF8", true);
  ASSERT_TRUE(mail) << mail.error().line;
  EXPECT_EQ(mail->sender.text(), "\xC3\xA9@example.com");
}

TEST(RcptArguments, AreTakenWithDsnParameters) {
  const auto rcpt = parse_rcpt(
      "TO:<b@example.net> NOTIFY=success,DELAY ORCPT=rfc822;b+2Bc@example.net", true, false);
  ASSERT_TRUE(rcpt) << rcpt.error().line;
  EXPECT_EQ(rcpt->address.text(), "b@example.net");
  EXPECT_EQ(rcpt->notify, mail::kNotifySuccess | mail::kNotifyDelay);
  EXPECT_EQ(rcpt->orcpt, "rfc822;b+c@example.net");
  EXPECT_EQ(parse_rcpt("TO:<b@[192.0.2.1]> NOTIFY=NEVER", true, false)->notify, mail::kNotifyNever);
}

TEST(RcptArguments, AreRefusedWithWords) {
  constexpr Refused kTable[] = {
      {"FROM:<b@example.net>", "501 5.5.2 \"TO:<address>\" has to follow"},
      {"TO:<>", "501 5.1.3 the address is empty"},
      {"TO:<bob>", "501 5.1.3 the address has no domain"},
      {"TO:<Postmaster>",
       "550 5.1.1 there are no mailboxes here, and so no postmaster: give his domain"},
      {"TO:<b@example.net> NOTIFY=",
       "501 5.5.4 NOTIFY is NEVER, or a list of SUCCESS, FAILURE and DELAY"},
      {"TO:<b@example.net> NOTIFY=NEVER,DELAY", "501 5.5.4 NOTIFY=NEVER stands alone"},
      {"TO:<b@example.net> NOTIFY=DELAY,",
       "501 5.5.4 NOTIFY is NEVER, or a list of SUCCESS, FAILURE and DELAY"},
      {"TO:<b@example.net> NOTIFY=DELAY NOTIFY=DELAY", "501 5.5.4 NOTIFY is given twice"},
      {"TO:<b@example.net> ORCPT=b@example.net",
       "501 5.5.4 ORCPT: no address type before a semicolon"},
      {"TO:<b@example.net> SIZE=1", "555 5.5.4 unknown parameter SIZE"},
      {"TO:<\xC3\xA9@example.net>", "553 5.6.7 the address needs the SMTPUTF8 parameter of MAIL"},
  };
  for (const Refused& row : kTable) {
    const auto rcpt = parse_rcpt(row.argument, true, false);
    ASSERT_FALSE(rcpt) << row.argument;
    EXPECT_EQ(rcpt.error().line, row.line);
  }
  EXPECT_EQ(parse_rcpt("TO:<b@example.net> NOTIFY=NEVER", false, false).error().line,
            "555 5.5.4 parameters need EHLO, not HELO");
  const std::string longest(500 - 7, 'a');
  EXPECT_TRUE(parse_rcpt("TO:<b@example.net> ORCPT=rfc822;" + longest, true, false));
  EXPECT_FALSE(parse_rcpt("TO:<b@example.net> ORCPT=rfc822;a" + longest, true, false));
}

}  // namespace
}  // namespace posthaste::smtp
