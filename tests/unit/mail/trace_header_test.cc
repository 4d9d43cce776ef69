#include "lib/mail/trace_header.h"

#include <gtest/gtest.h>

#include "lib/mail/date.h"

namespace posthaste::mail {
namespace {

using std::chrono::seconds;

TEST(Date, IsThatOfRfc5322) {
  EXPECT_EQ(render_date(Instant(seconds(0))), "Thu, 1 Jan 1970 00:00:00 +0000");
  EXPECT_EQ(render_date(Instant(seconds(951'782'399))), "Mon, 28 Feb 2000 23:59:59 +0000");
  EXPECT_EQ(render_date(Instant(seconds(951'782'400))), "Tue, 29 Feb 2000 00:00:00 +0000");
  EXPECT_EQ(render_date(Instant(seconds(1'795'298'923)) + Duration(999'999)),
            "Sat, 21 Nov 2026 22:08:43 +0000");
}

TEST(Timestamp, IsThatOfRfc3339) {
  EXPECT_EQ(render_timestamp(Instant(seconds(0))), "1970-01-01T00:00:00Z");
  EXPECT_EQ(render_timestamp(Instant(seconds(951'782'399)) + Duration(999'999)),
            "2000-02-28T23:59:59Z");
  EXPECT_EQ(render_timestamp(Instant(seconds(-1))), "1969-12-31T23:59:59Z");
}

TEST(Timestamp, IsReadInUtcAlone) {
  const Instant time(seconds(1'795'298'923));
  EXPECT_EQ(parse_timestamp("2026-11-21T22:08:43Z"), time);
  EXPECT_EQ(parse_timestamp("2026-11-21t22:08:43z"), time);
  EXPECT_EQ(parse_timestamp("2026-11-21T22:08:43.5Z"), time + Duration(500'000));
  EXPECT_EQ(parse_timestamp("2026-11-21T22:08:43.0000019Z"), time + Duration(1));
  EXPECT_EQ(parse_timestamp("2000-02-29T00:00:00Z"), Instant(seconds(951'782'400)));
  EXPECT_EQ(parse_timestamp("2016-12-31T23:59:60Z"), parse_timestamp("2017-01-01T00:00:00Z"));
  EXPECT_EQ(render_timestamp(*parse_timestamp("9999-12-31T23:59:59Z")), "9999-12-31T23:59:59Z");
  for (const char* bad : {"",
                          "Z",
                          "2026-11-21",
                          "2026-11-21T22:08:43",
                          "2026-11-21T22:08Z",
                          "2026-11-21 22:08:43Z",
                          "2026-11-21T22:08:43+00:00",
                          "2026-11-21T22:08:43.Z",
                          "2026-11-21T22:08:43.1.2Z",
                          "2026-11-21T22:08:43,5Z",
                          "2026-02-29T00:00:00Z",
                          "2026-13-01T00:00:00Z",
                          "2026-00-01T00:00:00Z",
                          "2026-11-00T00:00:00Z",
                          "2026-11-21T24:00:00Z",
                          "2026-11-21T22:60:00Z",
                          "2026-11-21T22:08:61Z",
                          "+026-11-21T22:08:43Z",
                          "12026-11-21T22:08:43Z",
                          "2026-11-21T22:08:4\xB3Z"}) {
    EXPECT_FALSE(parse_timestamp(bad)) << bad;
  }
}

TEST(TraceHeader, NamesTheProtocolAsRfc3848And6531Do) {
  EXPECT_EQ(protocol_name(false, false, false), "SMTP");
  EXPECT_EQ(protocol_name(true, false, false), "ESMTP");
  EXPECT_EQ(protocol_name(true, true, false), "ESMTPS");
  EXPECT_EQ(protocol_name(true, false, true), "UTF8SMTP");
  EXPECT_EQ(protocol_name(true, true, true), "UTF8SMTPS");
}

Trace plain_trace() {
  Trace trace;
  trace.helo = "client.example";
  trace.peer = ipv4(192, 0, 2, 7);
  trace.hostname = "mta1.example.com";
  trace.arrived = Instant(seconds(1'795'298'923));
  return trace;
}

std::string rendered(const Trace& trace) {
  std::string out;
  append_received(out, trace);
  return out;
}

TEST(TraceHeader, TellsOfAPlaintextSubmissionWithSeveralRecipients) {
  EXPECT_EQ(rendered(plain_trace()),
            "Received: from client.example ([192.0.2.7])\r\n"
            "\tby mta1.example.com with ESMTP id 0000000000000\r\n"
            "\t; Sat, 21 Nov 2026 22:08:43 +0000\r\n");
}

TEST(TraceHeader, TellsOfTlsAndTheOnlyRecipient) {
  const Mailbox recipient = Mailbox::trusted("user@example.net");
  Trace trace = plain_trace();
  trace.peer = ipv6({0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
  trace.tls_version = "TLSv1.3";
  trace.tls_cipher = "TLS_AES_256_GCM_SHA384";
  trace.id = MessageId{31};
  trace.only_recipient = &recipient;
  EXPECT_EQ(
      rendered(trace),
      "Received: from client.example ([IPv6:2001:db8::1])\r\n"
      "\tby mta1.example.com with ESMTPS (TLSv1.3 TLS_AES_256_GCM_SHA384) id 000000000000Z\r\n"
      "\tfor <user@example.net>; Sat, 21 Nov 2026 22:08:43 +0000\r\n");
}

TEST(TraceHeader, TellsOfTheClientsCertificate) {
  Trace trace = plain_trace();
  trace.tls_version = "TLSv1.3";
  trace.tls_cipher = "TLS_AES_256_GCM_SHA384";
  trace.client_subject = "CN=app.example,O=Example";
  EXPECT_EQ(rendered(trace),
            "Received: from client.example ([192.0.2.7])\r\n"
            "\tby mta1.example.com with ESMTPS (TLSv1.3 TLS_AES_256_GCM_SHA384)\r\n"
            "\t(verified client certificate CN=app.example,O=Example) id 0000000000000\r\n"
            "\t; Sat, 21 Nov 2026 22:08:43 +0000\r\n");
}

TEST(TraceHeader, ASubjectEndsNeitherItsCommentNorItsLine) {
  EXPECT_EQ(render_subject("CN=a)(b\\,\"c\"\r\nBcc: d\t\xC3\xA4"), "CN=a??b?,?c???Bcc: d???");
  EXPECT_EQ(render_subject(std::string(5000, 'x')), std::string(200, 'x'));
}

TEST(TraceHeader, TellsOfThePriorityBehindTheOtherClauses) {
  const Mailbox recipient = Mailbox::trusted("user@example.net");
  Trace trace = plain_trace();
  trace.priority = -9;
  EXPECT_EQ(rendered(trace),
            "Received: from client.example ([192.0.2.7])\r\n"
            "\tby mta1.example.com with ESMTP id 0000000000000\r\n"
            "\tPRIORITY -9; Sat, 21 Nov 2026 22:08:43 +0000\r\n");
  trace.only_recipient = &recipient;
  trace.priority = 3;
  EXPECT_EQ(rendered(trace),
            "Received: from client.example ([192.0.2.7])\r\n"
            "\tby mta1.example.com with ESMTP id 0000000000000\r\n"
            "\tfor <user@example.net> PRIORITY 3; Sat, 21 Nov 2026 22:08:43 +0000\r\n");
}

TEST(TraceHeader, StaysAsciiWhereTheRecipientIsNot) {
  const Mailbox recipient = Mailbox::trusted("\xC3\xA9@example.net");
  Trace trace = plain_trace();
  trace.smtputf8 = true;
  trace.only_recipient = &recipient;
  EXPECT_EQ(rendered(trace),
            "Received: from client.example ([192.0.2.7])\r\n"
            "\tby mta1.example.com with UTF8SMTP id 0000000000000\r\n"
            "\t; Sat, 21 Nov 2026 22:08:43 +0000\r\n");
}

}  // namespace
}  // namespace posthaste::mail
