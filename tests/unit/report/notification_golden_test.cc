// Whole notifications, as files: tests/golden/dsn.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "tests/unit/report/notification_story.h"

namespace posthaste::report {
namespace {

using std::chrono::hours;

// Compares with tests/golden/dsn/NAME.eml; writes it instead where UPDATE_GOLDEN is set.
void expect_golden(const std::string& name, const Notification& notification) {
  const std::string content = render_notification(notification);
  const std::string path = GOLDEN_DIR "/dsn/" + name + ".eml";
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << content;
  }
  std::ifstream file(path, std::ios::binary);
  const std::string golden{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  EXPECT_EQ(content, golden);
}

TEST(NotificationGolden, OneUnknownUser) {
  const mail::Envelope original = envelope();
  expect_golden("unknown_user", about(original));
}

TEST(NotificationGolden, SeveralRecipientsWithDsnOptionsAndTheWholeMessage) {
  mail::Envelope original = envelope(hours(121));
  original.envid = "QQ314159";
  original.ret = mail::DsnReturn::kFull;
  ReportedRecipient lacking = unknown_user();
  lacking.recipient.address = mail::Mailbox::trusted("\"d. e\"@example.org");
  lacking.status = "5.6.7";
  lacking.remote_host = "[192.0.2.9]:25";
  lacking.remote_reply.clear();
  lacking.words = "message needs SMTPUTF8, which the host does not offer";
  Notification several = about(original, {unknown_user(), expired(), lacking});
  several.original_body = std::string(kHeaders) + kBody;
  expect_golden("several_whole", several);
}

TEST(NotificationGolden, ACertificateThatHasExpired) {
  const mail::Envelope original = envelope();
  expect_golden("tls", about(original, {without_tls()}));
}

TEST(NotificationGolden, TimeIsUp) {
  const mail::Envelope original = envelope(hours(120));
  ReportedRecipient late = expired();
  late.remote_host = "mx.slow.example[192.0.2.4]:25";
  late.maybe_delivered = true;
  expect_golden("expired", about(original, {late}));
}

TEST(NotificationGolden, TheOperatorReturnsIt) {
  const mail::Envelope original = envelope(hours(3));
  expect_golden(
      "operator",
      about(original, {returned_by_operator("sent a thousand times by a broken script")}));
}

TEST(NotificationGolden, ADelay) {
  mail::Envelope original = envelope(hours(4));
  original.ret = mail::DsnReturn::kFull;
  Notification late = about(original, {delayed()});
  late.original_body = std::string(kHeaders) + kBody;
  expect_golden("delayed", late);
}

TEST(NotificationGolden, ADeliverByTimeThatHasPassed) {
  mail::Envelope original = envelope(std::chrono::minutes(30));
  original.deliver_by = mail::DeliverBy{kNow, false, false};
  ReportedRecipient late = delayed();
  late.attempts = 4;
  late.deliver_by_passed = true;
  expect_golden("deliver_by", about(original, {late}));
}

TEST(NotificationGolden, AHostThatTellsNoMore) {
  mail::Envelope original = envelope(std::chrono::seconds(2));
  original.envid = "QQ314159";
  original.ret = mail::DsnReturn::kFull;
  expect_golden("relayed", about(original, {relayed()}));
}

TEST(NotificationGolden, AllThreeInOne) {
  mail::Envelope original = envelope(hours(4));
  original.envid = "QQ314159";
  expect_golden("mixed", about(original, {relayed(), delayed(), unknown_user()}));
}

TEST(NotificationGolden, AnInternationalAddress) {
  mail::Envelope original = envelope();
  original.sender = mail::Mailbox::trusted("änn@example.com");
  original.smtputf8 = true;
  Notification international = about(original);
  international.recipients[0].recipient.address = mail::Mailbox::trusted("bøb@example.net");
  international.recipients[0].recipient.orcpt = "utf-8;bøb@example.net";
  international.recipients[0].remote_reply = "550 5.1.1 bøb ist unbekannt";
  international.original_headers = "From: Änn <änn@example.com>\r\nSubject: Grüße\r\n";
  expect_golden("international", international);
}

TEST(NotificationGolden, AMessageThatAskedForRequireTls) {
  mail::Envelope original = envelope();
  original.tls_wish = mail::TlsWish::kRequireTls;
  original.ret = mail::DsnReturn::kFull;
  Notification confidential = about(original);
  confidential.recipients[0].status = "5.7.30";
  confidential.recipients[0].remote_reply.clear();
  confidential.recipients[0].words =
      "message asks for REQUIRETLS (RFC 8689), and the host does not offer it";
  confidential.recipients[0].tls_failure = policy::TlsFailure::kRequireTlsMissing;
  confidential.original_body = std::string(kHeaders) + kBody;
  expect_golden("requiretls", confidential);
}

TEST(NotificationGolden, AHostilePeer) {
  mail::Envelope original = envelope();
  original.envid = "a\r\nBcc: victim@example.com";
  expect_golden("hostile", hostile(original));
}

}  // namespace
}  // namespace posthaste::report
