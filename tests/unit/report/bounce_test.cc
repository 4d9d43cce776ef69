#include "lib/report/bounce.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "lib/mail/utf8.h"
#include "lib/report/bounce_words.h"

namespace posthaste::report {
namespace {

using testing::HasSubstr;
using testing::Not;

// Saturday, 21 November 2026, 12:00:00 UTC.
const Instant kNow = Instant(std::chrono::seconds(1'795'262'400));
constexpr const char* kHeaders =
    "Received: from app.example ([127.0.0.1])\r\n\tby mta1.example.com with ESMTP id "
    "6GZVYJ6000000\r\n"
    "From: Ann <ann@example.com>\r\nTo: bob@example.net\r\nSubject: The minutes\r\n"
    "Message-ID: <1@app.example>\r\n";
constexpr const char* kBody = "\r\nHello Bob,\r\nhere they are.\r\n";

mail::Envelope envelope() {
  mail::Envelope original;
  original.id = MessageId{0x0123456789ABCDEF};
  original.sender = mail::Mailbox::trusted("ann@example.com");
  original.arrived = kNow - std::chrono::minutes(3);
  return original;
}

FailedRecipient unknown_user() {
  FailedRecipient failed;
  failed.recipient.address = mail::Mailbox::trusted("bob@example.net");
  failed.status = "5.1.1";
  failed.remote_host = "mx1.example.net[192.0.2.1]:25";
  failed.remote_reply = "550 5.1.1 no such user here";
  failed.words = "no such user here";
  return failed;
}

BounceInput input(const mail::Envelope& original) {
  BounceInput made;
  made.reporting_mta = HeloName("mta1.example.com");
  made.bounce_id = MessageId{0x0123456789ABD000};
  made.original = &original;
  made.recipients = {unknown_user()};
  made.original_headers = kHeaders;
  made.now = kNow;
  return made;
}

FailedRecipient expired() {
  FailedRecipient failed;
  failed.recipient.address = mail::Mailbox::trusted("carol@slow.example");
  failed.recipient.orcpt = "rfc822;carol+minutes@slow.example";
  failed.status = "4.4.1";
  failed.words = "connection timed out while connecting";
  failed.attempts = 23;
  failed.expired = true;
  return failed;
}

// ---- whole notifications, as files -------------------------------------------------------------

// Compares with tests/golden/NAME; writes it instead where UPDATE_GOLDEN is set.
void expect_golden(const std::string& name, const std::string& content) {
  const std::string path = std::string(GOLDEN_DIR "/") + name;
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << content;
  }
  std::ifstream file(path, std::ios::binary);
  const std::string golden{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  EXPECT_EQ(content, golden);
}

TEST(BounceGolden, OneUnknownUser) {
  const mail::Envelope original = envelope();
  expect_golden("bounce_unknown_user.eml", render_bounce(input(original)));
}

TEST(BounceGolden, SeveralRecipientsWithDsnOptionsAndTheWholeMessage) {
  mail::Envelope original = envelope();
  original.arrived = kNow - std::chrono::hours(121);
  original.envid = "QQ314159";
  original.ret = mail::DsnReturn::kFull;
  BounceInput several = input(original);
  several.recipients.push_back(expired());
  FailedRecipient lacking = unknown_user();
  lacking.recipient.address = mail::Mailbox::trusted("\"d. e\"@example.org");
  lacking.status = "5.6.7";
  lacking.remote_host = "[192.0.2.9]:25";
  lacking.remote_reply.clear();
  lacking.words = "message needs SMTPUTF8, which the host does not offer";
  several.recipients.push_back(lacking);
  several.original_body = std::string(kHeaders) + kBody;
  expect_golden("bounce_several.eml", render_bounce(several));
}

TEST(BounceGolden, AnInternationalAddress) {
  mail::Envelope original = envelope();
  original.sender = mail::Mailbox::trusted("änn@example.com");
  original.smtputf8 = true;
  BounceInput international = input(original);
  international.recipients[0].recipient.address = mail::Mailbox::trusted("bøb@example.net");
  international.recipients[0].recipient.orcpt = "utf-8;bøb@example.net";
  international.recipients[0].remote_reply = "550 5.1.1 bøb ist unbekannt";
  international.original_headers = "From: Änn <änn@example.com>\r\nSubject: Grüße\r\n";
  expect_golden("bounce_international.eml", render_bounce(international));
}

TEST(BounceGolden, AMessageThatAskedForRequireTls) {
  mail::Envelope original = envelope();
  original.tls_wish = mail::TlsWish::kRequireTls;
  original.ret = mail::DsnReturn::kFull;
  BounceInput confidential = input(original);
  confidential.recipients[0].status = "5.7.30";
  confidential.recipients[0].remote_reply.clear();
  confidential.recipients[0].words =
      "message asks for REQUIRETLS (RFC 8689), and the host does not offer it";
  confidential.original_body = std::string(kHeaders) + kBody;
  expect_golden("bounce_requiretls.eml", render_bounce(confidential));
}

// What strangers say, in the worst way.
BounceInput hostile(const mail::Envelope& original) {
  BounceInput bad = input(original);
  bad.recipients[0].remote_reply = "550 no\r\n\r\n--=_X\r\nBcc: victim@example.com\r\n\r\n" +
                                   std::string(2000, 'x') + "\xFF\x01";
  bad.recipients[0].remote_host = "evil\r\nBcc: victim@example.com[192.0.2.1]:25";
  bad.recipients[0].recipient.orcpt = "rfc822;a\r\nBcc: victim@example.com";
  bad.recipients[0].status = "5.1.1\r\nBcc: victim@example.com";
  bad.original_headers = "Subject: bound\r\n--=_" + render_id(bad.bounce_id) +
                         "_0--\r\nX-Latin: \xE4\r\n" + "X-Long: " + std::string(2000, 'y') + "\r\n";
  return bad;
}

TEST(BounceGolden, AHostilePeer) {
  mail::Envelope original = envelope();
  original.envid = "a\r\nBcc: victim@example.com";
  expect_golden("bounce_hostile.eml", render_bounce(hostile(original)));
}

// ---- rules --------------------------------------------------------------------------------------

TEST(Bounce, IsWantedWhereASenderIsThereAndNotifySaysNothingElse) {
  mail::Envelope original = envelope();
  mail::Recipient recipient;
  const auto wanted = [&](std::uint8_t notify) {
    recipient.notify = notify;
    return wants_failure_report(original, recipient);
  };
  EXPECT_TRUE(wanted(0));
  EXPECT_TRUE(wanted(mail::kNotifyFailure));
  EXPECT_TRUE(wanted(mail::kNotifyFailure | mail::kNotifyDelay));
  EXPECT_FALSE(wanted(mail::kNotifyNever));
  EXPECT_FALSE(wanted(mail::kNotifySuccess | mail::kNotifyDelay));
  original.sender = {};
  EXPECT_FALSE(wanted(0));
  EXPECT_FALSE(wanted(mail::kNotifyFailure)) << "never a notification about a notification";
}

TEST(Bounce, EveryLineEndsWithCrlfAndIsNotTooLong) {
  mail::Envelope original = envelope();
  original.envid = std::string(3000, 'e');
  const std::string content = render_bounce(hostile(original));
  std::size_t start = 0;
  for (std::size_t end = content.find_first_of("\r\n"); end != std::string::npos;
       end = content.find_first_of("\r\n", start)) {
    ASSERT_EQ(content.substr(end, 2), "\r\n");
    EXPECT_LE(end - start, 998U);
    start = end + 2;
  }
  EXPECT_EQ(start, content.size());
}

TEST(Bounce, NothingThatAStrangerSaysBecomesAFieldOrABodyPart) {
  mail::Envelope original = envelope();
  original.envid = "a\r\nBcc: victim@example.com";
  const std::string content = render_bounce(hostile(original));
  EXPECT_THAT(content, Not(HasSubstr("\r\nBcc:")));
  EXPECT_THAT(content, Not(HasSubstr("\r\n--=_X")));
  EXPECT_THAT(content, HasSubstr("Status: 5.0.0\r\n"));
}

TEST(Bounce, TheBoundaryStandsInNothingThatIsQuoted) {
  mail::Envelope original = envelope();
  BounceInput tricky = input(original);
  const std::string guess = "=_" + render_id(tricky.bounce_id) + "_";
  tricky.original_body = std::string(kHeaders) + "\r\n--" + guess + "0--\r\n--" + guess + "1\r\n";
  EXPECT_THAT(render_bounce(tricky), HasSubstr("boundary=\"" + guess + "2\""));
}

TEST(Bounce, IsSevenBitUnlessAnAddressOrTheReturnedMessageIsNot) {
  mail::Envelope original = envelope();
  BounceInput seven = input(original);
  seven.recipients[0].remote_reply = "550 5.1.1 gibt es nicht: gr\xC3\xBC\xC3\x9F Gott";
  seven.original_headers = "Subject: Gr\xC3\xBC\xC3\x9F\x65\r\n";
  const std::string content = render_bounce(seven);
  EXPECT_TRUE(mail::is_ascii(content));
  EXPECT_THAT(content, HasSubstr("gr=C3=BC=C3=9F Gott"));
  EXPECT_THAT(content, HasSubstr("Content-Type: message/global-headers\r\n"));
  EXPECT_THAT(content,
              HasSubstr("Diagnostic-Code: smtp; 550 5.1.1 gibt es nicht: gr???? Gott\r\n"));
  seven.original_body = "Subject: x\r\n\r\nGr\xFC\xDF\x65\r\n";
  EXPECT_THAT(render_bounce(seven),
              HasSubstr("message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n"));
}

// RFC 2045 §6.4: who reads the top only must not take the whole for 7-bit.
TEST(Bounce, SaysAtTheTopThatAPartIsEightBit) {
  const auto top = [](const BounceInput& given) {
    const std::string content = render_bounce(given);
    return content.substr(0, content.find("\r\n\r\n") + 2);
  };
  constexpr const char* kWide = "\r\nContent-Transfer-Encoding: 8bit\r\n";
  const mail::Envelope original = envelope();
  BounceInput made = input(original);
  EXPECT_THAT(top(made), Not(HasSubstr("Content-Transfer-Encoding")));
  made.original_body = "Subject: x\r\n\r\nGr\xFC\xDF\x65\r\n";
  EXPECT_THAT(top(made), HasSubstr(kWide));
  made = input(original);
  made.recipients[0].recipient.address = mail::Mailbox::trusted("b\xC3\xB8@example.net");
  EXPECT_THAT(top(made), HasSubstr(kWide));
}

TEST(Bounce, ReturnsOnlyTheHeadersOfWhatCannotStandInAMail) {
  mail::Envelope original = envelope();
  for (const std::string& body :
       {std::string("a: b\r\n\r\nbare\nline feed\r\n"),
        "a: b\r\n\r\n" + std::string(999, 'x') + "\r\n", std::string("a: b\r\n\r\n\0\r\n", 12)}) {
    BounceInput unfit = input(original);
    unfit.original_body = body;
    EXPECT_THAT(render_bounce(unfit), HasSubstr("Content-Type: text/rfc822-headers\r\n"));
  }
  original.body_type = mail::BodyType::kBinaryMime;
  BounceInput binary = input(original);
  binary.original_body = "a: b\r\n\r\nc\r\n";
  EXPECT_THAT(render_bounce(binary), HasSubstr("Content-Type: text/rfc822-headers\r\n"));
}

// RFC 8689 §5.
TEST(Bounce, ReturnsOnlyTheHeadersOfWhatAskedForRequireTls) {
  mail::Envelope original = envelope();
  original.ret = mail::DsnReturn::kFull;
  const std::pair<mail::TlsWish, bool> rows[] = {{mail::TlsWish::kPolicy, true},
                                                 {mail::TlsWish::kOptional, true},
                                                 {mail::TlsWish::kRequireTls, false}};
  for (const auto& [wish, whole] : rows) {
    original.tls_wish = wish;
    BounceInput made = input(original);
    made.original_body = std::string(kHeaders) + kBody;
    const std::string content = render_bounce(made);
    EXPECT_EQ(content.find("here they are.") != std::string::npos, whole);
    EXPECT_EQ(content.find("Content-Type: text/rfc822-headers\r\n") != std::string::npos, !whole);
    EXPECT_EQ(tls_wish_of_bounce(original),
              whole ? mail::TlsWish::kPolicy : mail::TlsWish::kRequireTlsIfOffered);
  }
}

TEST(Bounce, ReturnsNothingOfWhatAskedForRequireTlsWhereTheHeadersCannotBeTold) {
  mail::Envelope original = envelope();
  original.tls_wish = mail::TlsWish::kRequireTls;
  BounceInput made = input(original);
  made.original_headers.clear();
  made.original_body = std::string(kHeaders) + kBody;
  EXPECT_THAT(render_bounce(made), Not(HasSubstr("here they are.")));
}

TEST(Bounce, DoesWithoutTheOriginalWhereItCannotBeHad) {
  const mail::Envelope original = envelope();
  BounceInput bare = input(original);
  bare.original_headers.clear();
  const std::string content = render_bounce(bare);
  EXPECT_THAT(content, HasSubstr("Content-Type: message/delivery-status\r\n"));
  EXPECT_THAT(content, Not(HasSubstr("Undelivered message headers")));
}

// ---- words --------------------------------------------------------------------------------------

TEST(BounceWords, SayHowLongItWasTried) {
  const struct {
    Duration age;
    std::uint32_t attempts;
    const char* words;
  } rows[] = {{std::chrono::seconds(1), 1, "Given up after 1 attempt in 1 minute."},
              {std::chrono::minutes(119), 4, "Given up after 4 attempts in 119 minutes."},
              {std::chrono::minutes(120), 4, "Given up after 4 attempts in 2 hours."},
              {std::chrono::hours(47), 9, "Given up after 9 attempts in 47 hours."},
              {std::chrono::hours(120), 30, "Given up after 30 attempts in 5 days."}};
  for (const auto& row : rows) {
    mail::Envelope original = envelope();
    original.arrived = kNow - row.age;
    BounceInput late = input(original);
    late.recipients = {expired()};
    late.recipients[0].attempts = row.attempts;
    EXPECT_THAT(render_bounce_words(late), HasSubstr(row.words));
  }
}

TEST(BounceWords, AdviseByStatus) {
  EXPECT_THAT(advice("5.1.1", false), HasSubstr("typing errors"));
  EXPECT_THAT(advice("5.1.10", false), HasSubstr("takes no mail at all"));
  EXPECT_THAT(advice("5.1.8", false), HasSubstr("sender address"));
  EXPECT_THAT(advice("4.2.2", false), HasSubstr("full"));
  EXPECT_THAT(advice("5.2.1", false), HasSubstr("does not take mail"));
  EXPECT_THAT(advice("5.3.4", false), HasSubstr("too large"));
  EXPECT_THAT(advice("5.4.6", false), HasSubstr("round in circles"));
  EXPECT_THAT(advice("5.7.1", false), HasSubstr("rules"));
  EXPECT_THAT(advice("5.7.3", false), HasSubstr("rules"));
  EXPECT_THAT(advice("5.7.10", false), HasSubstr("encrypted connections"));
  EXPECT_THAT(advice("5.7.30", false), HasSubstr("REQUIRETLS"));
  EXPECT_THAT(advice("4.4.1", true), HasSubstr("again later"));
  for (const char* odd : {"", "5", "5.", "5.0.0", "5.9.9", "nonsense"}) {
    EXPECT_THAT(advice(odd, false), HasSubstr("postmaster")) << odd;
  }
}

}  // namespace
}  // namespace posthaste::report
