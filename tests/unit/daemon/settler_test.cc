// What is stored, kept in the history and told to the sender of each ending.
#include "daemon/settler.h"

#include <gmock/gmock.h>

#include "config/load.h"
#include "lib/mail/date.h"
#include "queue/memory_store.h"

namespace posthaste::daemon {
namespace {

using delivery::Ending;
using mail::HistoryKind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const Instant kNow = Instant(std::chrono::hours(500'000));
const Instant kArrived = kNow - std::chrono::hours(4);

MessageId id_at(Instant when) {
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(when.time_since_epoch()).count();
  return MessageId{static_cast<std::uint64_t>(milliseconds) << 22};
}

class SettlerTest : public testing::Test {
 protected:
  SettlerTest() {
    auto loaded = config::load_config("retry: {default: {expire_after: 5d}}\n", "test");
    runtime_ = make_runtime(std::move(*loaded.config), "mta.test", 1);
    envelope_.id = id_at(kArrived);
    envelope_.sender = mail::Mailbox::trusted("ann@client.test");
    envelope_.arrived = kArrived;
    envelope_.body_chunks = 1;
  }

  delivery::Settlement settlement(Ending ending, std::uint8_t notify = 0) {
    delivery::Settlement made;
    made.before.recipient.number = number_++;
    made.before.recipient.address = mail::Mailbox::trusted("bob@peer.test");
    made.before.recipient.notify = notify;
    made.before.progress.attempts = 3;
    made.before.progress.revision = 7;
    made.before.progress.last_words = "451 4.7.1 come back later";
    made.ending = ending;
    made.after = made.before.progress;
    made.after.revision = 8;
    made.host = "mx.peer.test[192.0.2.1]:25";
    made.reply = smtp::Reply{550, {5, 1, 1}, "no such user"};
    made.status = {5, 1, 1};
    return made;
  }
  delivery::Settlement delivered(std::uint8_t notify, bool passed_on) {
    delivery::Settlement made = settlement(Ending::kDelivered, notify);
    made.reply = smtp::Reply{250, {2, 0, 0}, "taken"};
    made.status = {};
    made.dsn_passed_on = passed_on;
    return made;
  }
  delivery::Settlement late(bool attempted) {
    delivery::Settlement made = settlement(Ending::kDeferred);
    made.tell_delay = made.after.delay_told = true;
    made.after.due = kNow + std::chrono::hours(1);
    if (attempted) {
      ++made.after.attempts;
      made.reply = smtp::Reply{451, {4, 7, 1}, "come back later"};
      made.status = {4, 7, 1};
    } else {
      made.status = made.reply.enhanced = {4, 4, 7};
      made.reply = smtp::Reply{0, made.status, "not delivered within 4 hours"};
    }
    return made;
  }
  delivery::Settlement steered(Ending ending) {
    delivery::Settlement made = settlement(ending);
    made.host.clear();
    made.reply = smtp::Reply{0, {5, 7, 1}, "a broken script"};
    made.status = {5, 7, 1};
    made.by_operator = true;
    return made;
  }

  queue::Settle settle(std::vector<delivery::Settlement> settlements) {
    auto letter = std::make_shared<mail::Letter>();
    letter->envelope = std::make_shared<const mail::Envelope>(envelope_);
    letter->body.chunks.push_back(
        std::make_shared<const std::string>("Subject: hello\r\n\r\nSecret words.\r\n"));
    return settler_.settle({5, letter, std::move(settlements)}, *runtime_, kNow);
  }
  static std::string told(const queue::Settle& settle) {
    return settle.dsn ? *settle.dsn->chunks.front() : std::string();
  }
  static std::vector<HistoryKind> kinds(const queue::Settle& settle) {
    std::vector<HistoryKind> kinds;
    for (const auto& event : settle.history) kinds.push_back(event.kind);
    return kinds;
  }

  mail::Envelope envelope_;
  std::uint16_t number_ = 0;

 private:
  Metrics metrics_;
  Log log_{LogLevel::kError, LogFormat::kLogfmt};
  queue::MemoryStore store_;
  IdSource ids_{0, 1, {}};
  std::shared_ptr<const Runtime> runtime_;
  Settler settler_{metrics_, log_, store_, ids_};
};

TEST_F(SettlerTest, ABounceEndsTheRecipientAndIsToldInTheSameWrite) {
  const queue::Settle request = settle({settlement(Ending::kBounced)});
  ASSERT_EQ(request.fates.size(), 1U);
  EXPECT_EQ(request.fates[0].kind, queue::FateKind::kBounced);
  EXPECT_EQ(request.fates[0].revision, 7U);
  EXPECT_THAT(kinds(request), ElementsAre(HistoryKind::kBounced));
  EXPECT_EQ(request.history[0].attempt, 4U);
  ASSERT_TRUE(request.dsn);
  EXPECT_TRUE(request.dsn->envelope->sender.null());
  ASSERT_EQ(request.dsn->recipients.size(), 1U);
  EXPECT_EQ(request.dsn->recipients[0].recipient.address.text(), "ann@client.test");
  EXPECT_EQ(request.dsn->recipients[0].recipient.notify, mail::kNotifyNever);
  EXPECT_THAT(told(request), HasSubstr("Action: failed\r\nStatus: 5.1.1\r\n"));
  EXPECT_THAT(told(request), HasSubstr("X-Posthaste-Attempts: 4\r\n"));
}

TEST_F(SettlerTest, NobodyIsToldAboutANotificationOrWhereNotifyForbidsIt) {
  EXPECT_FALSE(settle({settlement(Ending::kBounced, mail::kNotifyNever)}).dsn);
  EXPECT_FALSE(settle({settlement(Ending::kExpired, mail::kNotifySuccess)}).dsn);
  envelope_.sender = {};
  EXPECT_FALSE(settle({settlement(Ending::kBounced), late(true)}).dsn);
  EXPECT_FALSE(settle({delivered(mail::kNotifySuccess, false)}).dsn);
}

TEST_F(SettlerTest, ADelayIsToldInTheWriteThatStoresTheDeferral) {
  const queue::Settle request = settle({late(true)});
  EXPECT_EQ(request.fates[0].kind, queue::FateKind::kDeferred);
  EXPECT_TRUE(request.fates[0].progress.delay_told);
  EXPECT_THAT(kinds(request), ElementsAre(HistoryKind::kDeferred, HistoryKind::kDelayTold));
  EXPECT_THAT(request.history[1].words, HasSubstr("ann@client.test"));
  EXPECT_THAT(request.history[1].words, HasSubstr(render_id(request.dsn->envelope->id)));
  EXPECT_THAT(told(request), HasSubstr("Action: delayed\r\nStatus: 4.7.1\r\n"));
  EXPECT_THAT(told(request), HasSubstr("Last-Attempt-Date: "));
  EXPECT_THAT(told(request), HasSubstr("4 attempts in 4 hours"));
  EXPECT_THAT(told(request), Not(HasSubstr("Secret words")));
}

TEST_F(SettlerTest, ADelayThatComesToPassWhileItWaitsIsNoAttempt) {
  const queue::Settle request = settle({late(false)});
  EXPECT_THAT(kinds(request), ElementsAre(HistoryKind::kDelayTold));
  EXPECT_EQ(request.history[0].attempt, 3U);
  EXPECT_THAT(told(request), HasSubstr("Status: 4.4.7\r\n"));
  EXPECT_THAT(told(request), Not(HasSubstr("Last-Attempt-Date: ")));
  EXPECT_THAT(told(request), HasSubstr("3 attempts in 4 hours"));
  EXPECT_THAT(told(request), HasSubstr("451 4.7.1 come back later")) << "what it waits for";
}

TEST_F(SettlerTest, ADelayIsToldWithTheTimeAtWhichItEnds) {
  const auto until = [this] {
    const std::string content = told(settle({late(true)}));
    const auto at = content.find("Will-Retry-Until: ");
    return content.substr(at + 18, content.find("\r\n", at) - at - 18);
  };
  EXPECT_EQ(until(), mail::render_date(kArrived + std::chrono::hours(120)));
  envelope_.deliver_by = mail::DeliverBy{kNow + std::chrono::minutes(5), true, false};
  EXPECT_EQ(until(), mail::render_date(kNow + std::chrono::minutes(5)));
  envelope_.deliver_by->return_it = false;
  EXPECT_EQ(until(), mail::render_date(kArrived + std::chrono::hours(120)));
  envelope_.deliver_by.reset();
  envelope_.hold_until = kArrived + std::chrono::hours(1);
  EXPECT_EQ(until(), mail::render_date(kArrived + std::chrono::hours(121)));
}

TEST_F(SettlerTest, ATimeThatTheSenderSetAndThatHasPassedIsNamed) {
  envelope_.deliver_by = mail::DeliverBy{kNow, false, false};
  EXPECT_THAT(told(settle({late(false)})), HasSubstr("as you\r\n    asked"));
  envelope_.deliver_by->by = kNow + std::chrono::hours(1);
  EXPECT_THAT(told(settle({late(false)})), Not(HasSubstr("should have been there")));
}

TEST_F(SettlerTest, ATakeoverIsToldWhereItWasWantedAndTheHostDoesNotTell) {
  EXPECT_FALSE(settle({delivered(0, false)}).dsn);
  EXPECT_FALSE(settle({delivered(mail::kNotifySuccess, true)}).dsn);
  const queue::Settle request = settle({delivered(mail::kNotifySuccess, false)});
  EXPECT_EQ(request.fates[0].kind, queue::FateKind::kDelivered);
  EXPECT_THAT(kinds(request), ElementsAre(HistoryKind::kDelivered));
  EXPECT_THAT(told(request), HasSubstr("Action: relayed\r\nStatus: 2.0.0\r\n"));
}

TEST_F(SettlerTest, DifferentFatesOfOneWriteAreToldInOneMessage) {
  const queue::Settle request =
      settle({settlement(Ending::kBounced), late(true), delivered(mail::kNotifySuccess, false),
              settlement(Ending::kBounced, mail::kNotifyNever)});
  EXPECT_EQ(request.fates.size(), 4U);
  const std::string content = told(request);
  for (const char* action : {"failed", "delayed", "relayed"}) {
    const std::string field = std::string("Action: ") + action;
    EXPECT_THAT(content, HasSubstr(field));
    EXPECT_EQ(content.find(field, content.find(field) + 1), content.npos) << action;
  }
}

TEST_F(SettlerTest, WhatExpiresWhileItWaitsIsToldWithItsLastTrouble) {
  delivery::Settlement expired = settlement(Ending::kExpired);
  expired.status = {5, 4, 7};
  expired.reply = smtp::Reply{0, expired.status, "not delivered within 5 days; last trouble: 451"};
  const queue::Settle waited = settle({expired});
  EXPECT_EQ(waited.history[0].attempt, 3U);
  EXPECT_THAT(told(waited), HasSubstr("Diagnostic-Code: x-posthaste; 451 4.7.1 come back later"));
  EXPECT_THAT(told(waited), Not(HasSubstr("Last-Attempt-Date: ")));
  expired.reply = smtp::Reply{451, {4, 7, 1}, "no more"};
  const queue::Settle tried = settle({expired});
  EXPECT_EQ(tried.history[0].attempt, 4U);
  EXPECT_THAT(told(tried), HasSubstr("Diagnostic-Code: smtp; 451 4.7.1 no more"));
  EXPECT_THAT(told(tried), HasSubstr("Last-Attempt-Date: "));
}

TEST_F(SettlerTest, TheOperatorsHoldAndReleaseAreStoredWithHisWordsAndNobodyIsTold) {
  const std::pair<Ending, HistoryKind> rows[] = {{Ending::kHeld, HistoryKind::kHeld},
                                                 {Ending::kReleased, HistoryKind::kReleased}};
  for (const auto& [ending, kind] : rows) {
    delivery::Settlement made = steered(ending);
    made.after.held = ending == Ending::kHeld;
    const queue::Settle request = settle({made});
    EXPECT_EQ(request.fates[0].kind, queue::FateKind::kDeferred);
    EXPECT_EQ(request.fates[0].progress.held, ending == Ending::kHeld);
    EXPECT_EQ(request.fates[0].progress.revision, 8U);
    EXPECT_THAT(kinds(request), ElementsAre(kind));
    EXPECT_EQ(request.history[0].attempt, 3U);
    EXPECT_THAT(request.history[0].words, HasSubstr("a broken script"));
    EXPECT_FALSE(request.dsn);
  }
}

TEST_F(SettlerTest, WhatTheOperatorRemovesEndsWithoutAWordToTheSender) {
  const queue::Settle request = settle({steered(Ending::kRemoved)});
  EXPECT_EQ(request.fates[0].kind, queue::FateKind::kBounced);
  EXPECT_THAT(kinds(request), ElementsAre(HistoryKind::kRemoved));
  EXPECT_THAT(request.history[0].words, HasSubstr("a broken script"));
  EXPECT_FALSE(request.dsn);
}

TEST_F(SettlerTest, WhatTheOperatorReturnsIsToldAsHisDoing) {
  const queue::Settle request = settle({steered(Ending::kBounced)});
  EXPECT_THAT(kinds(request), ElementsAre(HistoryKind::kBounced));
  EXPECT_EQ(request.history[0].attempt, 3U);
  EXPECT_THAT(told(request), HasSubstr("The operator of this mail system has returned"));
  EXPECT_THAT(told(request), HasSubstr("a broken script"));
  EXPECT_THAT(told(request), Not(HasSubstr("451 4.7.1")));
}

TEST_F(SettlerTest, ATakeoverIsToldWhereTheHostLosesTrackOfTheTime) {
  delivery::Settlement taken = delivered(0, true);
  taken.tell_relayed = true;
  EXPECT_THAT(told(settle({taken})), HasSubstr("Action: relayed\r\n"));
}

// RFC 6710 §4.6.
TEST_F(SettlerTest, ANotificationHasThePriorityOfWhatItIsAbout) {
  envelope_.priority = -4;
  const queue::Settle request = settle({settlement(Ending::kBounced)});
  EXPECT_EQ(request.dsn->envelope->priority, -4);
  EXPECT_EQ(request.dsn->recipients[0].priority, -4);
}

TEST_F(SettlerTest, ANotificationIsForAPeerWithSmtputf8OnlyWhereItsAddressNeedsIt) {
  envelope_.smtputf8 = true;
  EXPECT_FALSE(settle({settlement(Ending::kBounced)}).dsn->envelope->smtputf8);
  envelope_.sender = mail::Mailbox::trusted("\xC3\xA4nn@client.test");
  EXPECT_TRUE(settle({settlement(Ending::kBounced)}).dsn->envelope->smtputf8);
}

}  // namespace
}  // namespace posthaste::daemon
