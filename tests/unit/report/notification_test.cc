#include "lib/report/notification.h"

#include <gmock/gmock.h>

#include "lib/mail/utf8.h"
#include "tests/unit/report/notification_story.h"

namespace posthaste::report {
namespace {

using testing::HasSubstr;
using testing::Not;

// ---- who is told --------------------------------------------------------------------------------

TEST(Notification, OfAFailureIsWantedWhereASenderIsThereAndNotifySaysNothingElse) {
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

TEST(Notification, OfATakeoverIsWantedWhereNotifyHasSuccessAndTheHostDoesNotTell) {
  mail::Envelope original = envelope();
  mail::Recipient recipient;
  const auto wanted = [&](int notify, bool passed_on) {
    recipient.notify = static_cast<std::uint8_t>(notify);
    return wants_relayed_report(original, recipient, passed_on);
  };
  EXPECT_TRUE(wanted(mail::kNotifySuccess, false));
  EXPECT_TRUE(wanted(mail::kNotifySuccess | mail::kNotifyFailure, false));
  EXPECT_FALSE(wanted(mail::kNotifySuccess, true));
  EXPECT_FALSE(wanted(0, false));
  EXPECT_FALSE(wanted(mail::kNotifyFailure | mail::kNotifyDelay, false));
  EXPECT_FALSE(wanted(mail::kNotifyNever, false));
  original.sender = {};
  EXPECT_FALSE(wanted(mail::kNotifySuccess, false));
}

// RFC 2852 §4.1.4.
TEST(Notification, OfATakeoverIsWantedAtEveryHopWhereTheSenderTraces) {
  mail::Envelope original = envelope();
  original.deliver_by = mail::DeliverBy{kNow, false, true};
  mail::Recipient recipient;
  for (const bool passed_on : {false, true}) {
    for (const int notify : {0, int{mail::kNotifyFailure}, int{mail::kNotifySuccess}}) {
      recipient.notify = static_cast<std::uint8_t>(notify);
      EXPECT_TRUE(wants_relayed_report(original, recipient, passed_on)) << notify;
    }
    recipient.notify = mail::kNotifyNever;
    EXPECT_FALSE(wants_relayed_report(original, recipient, passed_on));
  }
}

TEST(Notification, OfATakeoverIsWantedWhereTheHostDoesNotKnowTheTimeThatTheMailHas) {
  mail::Envelope original = envelope();
  original.deliver_by = mail::DeliverBy{kNow, false, false};
  mail::Recipient recipient;
  EXPECT_TRUE(wants_relayed_report(original, recipient, true, true));
  EXPECT_FALSE(wants_relayed_report(original, recipient, true, false));
  recipient.notify = mail::kNotifyNever;
  EXPECT_FALSE(wants_relayed_report(original, recipient, false, true));
  recipient.notify = 0;
  original.sender = {};
  EXPECT_FALSE(wants_relayed_report(original, recipient, true, true));
}

// ---- the mail -----------------------------------------------------------------------------------

TEST(Notification, EveryLineEndsWithCrlfAndIsNotTooLong) {
  mail::Envelope original = envelope();
  original.envid = std::string(3000, 'e');
  const std::string content = render_notification(hostile(original));
  std::size_t start = 0;
  for (std::size_t end = content.find_first_of("\r\n"); end != std::string::npos;
       end = content.find_first_of("\r\n", start)) {
    ASSERT_EQ(content.substr(end, 2), "\r\n");
    EXPECT_LE(end - start, 998U);
    start = end + 2;
  }
  EXPECT_EQ(start, content.size());
}

TEST(Notification, NothingThatAStrangerSaysBecomesAFieldOrABodyPart) {
  mail::Envelope original = envelope();
  original.envid = "a\r\nBcc: victim@example.com";
  const std::string content = render_notification(hostile(original));
  EXPECT_THAT(content, Not(HasSubstr("\r\nBcc:")));
  EXPECT_THAT(content, Not(HasSubstr("\r\n--=_X")));
  EXPECT_THAT(content, HasSubstr("Status: 5.0.0\r\n"));
}

TEST(Notification, TheBoundaryStandsInNothingThatIsQuoted) {
  mail::Envelope original = envelope();
  Notification tricky = about(original);
  const std::string guess = "=_" + render_id(tricky.id) + "_";
  tricky.original_body = std::string(kHeaders) + "\r\n--" + guess + "0--\r\n--" + guess + "1\r\n";
  EXPECT_THAT(render_notification(tricky), HasSubstr("boundary=\"" + guess + "2\""));
}

TEST(Notification, IsSevenBitUnlessAnAddressOrTheReturnedMessageIsNot) {
  mail::Envelope original = envelope();
  Notification seven = about(original);
  seven.recipients[0].remote_reply = "550 5.1.1 gibt es nicht: gr\xC3\xBC\xC3\x9F Gott";
  seven.original_headers = "Subject: Gr\xC3\xBC\xC3\x9F\x65\r\n";
  const std::string content = render_notification(seven);
  EXPECT_TRUE(mail::is_ascii(content));
  EXPECT_THAT(content, HasSubstr("gr=C3=BC=C3=9F Gott"));
  EXPECT_THAT(content, HasSubstr("Content-Type: text/rfc822-headers\r\n"));
  EXPECT_THAT(content,
              HasSubstr("Diagnostic-Code: smtp; 550 5.1.1 gibt es nicht: gr???? Gott\r\n"));
  seven.original_body = "Subject: x\r\n\r\nGr\xFC\xDF\x65\r\n";
  EXPECT_THAT(render_notification(seven),
              HasSubstr("message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n"));
}

// RFC 2045 §6.4: who reads the top only must not take the whole for 7-bit.
TEST(Notification, SaysAtTheTopThatAPartIsEightBit) {
  const auto top = [](const Notification& given) {
    const std::string content = render_notification(given);
    return content.substr(0, content.find("\r\n\r\n") + 2);
  };
  constexpr const char* kWide = "\r\nContent-Transfer-Encoding: 8bit\r\n";
  mail::Envelope original = envelope();
  original.smtputf8 = true;
  Notification made = about(original);
  EXPECT_THAT(top(made), Not(HasSubstr("Content-Transfer-Encoding")));
  made.original_body = "Subject: x\r\n\r\nGr\xFC\xDF\x65\r\n";
  EXPECT_THAT(top(made), HasSubstr(kWide));
  made = about(original);
  made.recipients[0].recipient.address = mail::Mailbox::trusted("b\xC3\xB8@example.net");
  EXPECT_THAT(top(made), HasSubstr(kWide));
}

TEST(Notification, ReturnsOnlyTheHeadersOfWhatCannotStandInAMail) {
  mail::Envelope original = envelope();
  for (const std::string& body :
       {std::string("a: b\r\n\r\nbare\nline feed\r\n"),
        "a: b\r\n\r\n" + std::string(999, 'x') + "\r\n", std::string("a: b\r\n\r\n\0\r\n", 12)}) {
    Notification unfit = about(original);
    unfit.original_body = body;
    EXPECT_THAT(render_notification(unfit), HasSubstr("Content-Type: text/rfc822-headers\r\n"));
  }
  original.body_type = mail::BodyType::kBinaryMime;
  Notification binary = about(original);
  binary.original_body = "a: b\r\n\r\nc\r\n";
  EXPECT_THAT(render_notification(binary), HasSubstr("Content-Type: text/rfc822-headers\r\n"));
}

// RFC 8689 §5.
TEST(Notification, ReturnsOnlyTheHeadersOfWhatAskedForRequireTls) {
  mail::Envelope original = envelope();
  original.ret = mail::DsnReturn::kFull;
  const std::pair<mail::TlsWish, bool> rows[] = {{mail::TlsWish::kPolicy, true},
                                                 {mail::TlsWish::kOptional, true},
                                                 {mail::TlsWish::kRequireTls, false}};
  for (const auto& [wish, whole] : rows) {
    original.tls_wish = wish;
    Notification made = about(original);
    made.original_body = std::string(kHeaders) + kBody;
    const std::string content = render_notification(made);
    EXPECT_EQ(content.find("here they are.") != std::string::npos, whole);
    EXPECT_EQ(content.find("Content-Type: text/rfc822-headers\r\n") != std::string::npos, !whole);
    EXPECT_EQ(tls_wish_of_notification(original),
              whole ? mail::TlsWish::kPolicy : mail::TlsWish::kRequireTlsIfOffered);
  }
}

TEST(Notification, ReturnsNothingOfWhatAskedForRequireTlsWhereTheHeadersCannotBeTold) {
  mail::Envelope original = envelope();
  original.tls_wish = mail::TlsWish::kRequireTls;
  Notification made = about(original);
  made.original_headers.clear();
  made.original_body = std::string(kHeaders) + kBody;
  EXPECT_THAT(render_notification(made), Not(HasSubstr("here they are.")));
}

TEST(Notification, DoesWithoutTheOriginalWhereItCannotBeHad) {
  const mail::Envelope original = envelope();
  Notification bare = about(original);
  bare.original_headers.clear();
  const std::string content = render_notification(bare);
  EXPECT_THAT(content, HasSubstr("Content-Type: message/delivery-status\r\n"));
  EXPECT_THAT(content, Not(HasSubstr("Undelivered message headers")));
}

// ---- more rules ---------------------------------------------------------------------------------

// RFC 3461 §6.2.
TEST(Notification, ReturnsTheWholeMessageOnlyWhereSomebodyWasNotReached) {
  const mail::Envelope original = envelope();
  const std::pair<std::vector<ReportedRecipient>, bool> rows[] = {
      {{unknown_user()}, true},
      {{delayed()}, false},
      {{relayed()}, false},
      {{relayed(), delayed()}, false},
      {{relayed(), unknown_user()}, true}};
  for (const auto& [recipients, whole] : rows) {
    Notification made = about(original, recipients);
    made.original_body = std::string(kHeaders) + kBody;
    EXPECT_EQ(render_notification(made).find("here they are.") != std::string::npos, whole);
  }
}

TEST(Notification, HasTheSubjectOfWhatCountsMost) {
  const mail::Envelope original = envelope();
  const std::pair<std::vector<ReportedRecipient>, const char*> rows[] = {
      {{unknown_user()}, "Subject: Undelivered Mail"},
      {{relayed(), unknown_user(), delayed()}, "Subject: Undelivered Mail"},
      {{delayed()}, "Subject: Delayed Mail"},
      {{relayed(), delayed()}, "Subject: Delayed Mail"},
      {{relayed()}, "Subject: Mail Handed On"}};
  for (const auto& [recipients, subject] : rows)
    EXPECT_THAT(render_notification(about(original, recipients)), HasSubstr(subject));
}

TEST(Notification, SpeaksUtf8OnlyToASenderWhoCanTakeIt) {
  mail::Envelope original = envelope();
  Notification made = about(original);
  made.recipients[0].recipient.orcpt = "utf-8;b\xC3\xB8@example.net";
  EXPECT_TRUE(mail::is_ascii(render_notification(made)));
  EXPECT_THAT(render_notification(made),
              HasSubstr("Original-Recipient: utf-8; b\\x{F8}@example.net\r\n"));
  original.smtputf8 = true;
  EXPECT_THAT(render_notification(made),
              HasSubstr("Original-Recipient: utf-8; b\xC3\xB8@example.net\r\n"));
  EXPECT_THAT(render_notification(made), HasSubstr("message/global-delivery-status\r\n"));
}

// ---- the machine's part -------------------------------------------------------------------------

TEST(NotificationStatus, HasAClassThatFitsTheAction) {
  const struct {
    ReportedRecipient told;
    const char* given;
    const char* said;
  } rows[] = {{unknown_user(), "5.1.1", "5.1.1"}, {unknown_user(), "4.4.7", "4.4.7"},
              {unknown_user(), "2.0.0", "5.0.0"}, {unknown_user(), "5.1.", "5.0.0"},
              {unknown_user(), "", "5.0.0"},      {delayed(), "4.4.1", "4.4.1"},
              {delayed(), "5.1.1", "4.0.0"},      {relayed(), "2.1.5", "2.1.5"},
              {relayed(), "", "2.0.0"},           {relayed(), "5.0.0", "2.0.0"}};
  const mail::Envelope original = envelope();
  for (const auto& row : rows) {
    Notification made = about(original, {row.told});
    made.recipients[0].status = row.given;
    EXPECT_THAT(render_notification(made),
                HasSubstr("\r\nStatus: " + std::string(row.said) + "\r\n"));
  }
}

TEST(NotificationStatus, SaysUntilWhenItIsTriedOnlyWhereThatIsKnownAndStillToCome) {
  const mail::Envelope original = envelope();
  Notification made = about(original, {delayed()});
  EXPECT_THAT(render_notification(made),
              HasSubstr("Will-Retry-Until: Thu, 26 Nov 2026 08:00:00 +0000\r\n"));
  for (const Instant until : {Instant{}, kNow}) {
    made.recipients[0].retry_until = until;
    EXPECT_THAT(render_notification(made), Not(HasSubstr("Will-Retry-Until")));
  }
}

TEST(NotificationStatus, HasNoLastAttemptWhereNoneWasMade) {
  const mail::Envelope original = envelope();
  EXPECT_THAT(render_notification(about(original)), HasSubstr("Last-Attempt-Date: "));
  EXPECT_THAT(render_notification(about(original, {expired()})),
              Not(HasSubstr("Last-Attempt-Date: ")));
}

// ---- words --------------------------------------------------------------------------------------

TEST(NotificationWords, SayHowLongItWasTried) {
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
    const mail::Envelope original = envelope(row.age);
    Notification late = about(original, {expired()});
    late.recipients[0].attempts = row.attempts;
    EXPECT_THAT(render_notification(late), HasSubstr(row.words));
  }
}

TEST(NotificationWords, SayThatNobodyWasEverCalled) {
  const mail::Envelope original = envelope(std::chrono::hours(120));
  Notification late = about(original, {expired()});
  late.recipients[0].attempts = 0;
  EXPECT_THAT(render_notification(late), HasSubstr("Given up after 5 days without an attempt."));
}

TEST(NotificationWords, CountTheAgeOfMailThatWasToWaitFromWhenItWasLetGo) {
  mail::Envelope original = envelope(std::chrono::hours(100));
  original.hold_until = kNow - std::chrono::hours(4);
  EXPECT_THAT(render_notification(about(original, {delayed()})),
              HasSubstr("Not delivered after 9 attempts in 4 hours."));
}

// RFC 4865 §5.1.2.
TEST(Notification, TellsUntilWhenTheMessageWasToWait) {
  mail::Envelope original = envelope();
  const auto told = [&] { return render_notification(about(original, {delayed()})); };
  EXPECT_THAT(told(), Not(HasSubstr("Future-Release-Request")));
  original.hold_until = Instant(std::chrono::seconds(1'795'262'400));
  EXPECT_THAT(told(), HasSubstr("\r\nFuture-Release-Request: until;2026-11-21T12:00:00Z\r\n"));
}

TEST(NotificationWords, TellThatItMayHaveArrivedAllTheSame) {
  const mail::Envelope original = envelope();
  for (ReportedRecipient told : {unknown_user(), delayed()}) {
    EXPECT_THAT(render_notification(about(original, {told})), Not(HasSubstr("all the same")));
    told.maybe_delivered = true;
    EXPECT_THAT(render_notification(about(original, {told})), HasSubstr("all the same"));
  }
}

TEST(NotificationWords, TellHowItWasHandedOn) {
  const mail::Envelope original = envelope();
  ReportedRecipient told = relayed();
  const auto words = [&] { return render_notification(about(original, {told})); };
  EXPECT_THAT(words(), HasSubstr("encrypted connection"));
  EXPECT_THAT(words(), HasSubstr("does not tell when"));
  told.tls = "plaintext (not_offered)";
  told.more_to_come = true;
  EXPECT_THAT(words(), HasSubstr("over, without\r\n    encryption,"));
  EXPECT_THAT(words(), HasSubstr("for that host to tell you"));
}

}  // namespace
}  // namespace posthaste::report
