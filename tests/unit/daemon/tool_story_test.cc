// What the daemon writes and what the tool makes of it, held together: admin_json -> story.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "daemon/admin_json.h"
#include "daemon/tool/pages.h"
#include "daemon/tool/schedule_story.h"
#include "daemon/tool/story.h"

namespace posthaste::daemon::tool {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

constexpr Instant kNow{1'795'298'923'123'000us};  // 2026-11-21 22:08:43.123 UTC
const MessageId kId{0x19'FF'FF'FF'FF'FFU};

mail::PendingRecipient pending() {
  mail::PendingRecipient made;
  made.recipient.number = 2;
  made.recipient.address = mail::Mailbox::trusted("Bob@Example.COM");
  made.recipient.notify = mail::kNotifyFailure | mail::kNotifyDelay;
  made.progress = {.revision = 1,
                   .attempts = 1,
                   .due = kNow + 4min,
                   .retry_class = "greylist",
                   .last_host = "mx1.example.com[192.0.2.1]:25",
                   .last_words = "450 4.7.1 come back \x1b[2Jlater",
                   .maybe_delivered = true};
  return made;
}

MessageView message() {
  MessageView view;
  view.id = kId;
  view.envelope.emplace();
  view.envelope->id = kId;
  view.envelope->sender = mail::Mailbox::trusted("alice@example.org");
  view.envelope->arrived = kNow - 1min;
  view.envelope->body_bytes = 1234;
  view.envelope->recipients_total = 3;
  view.pending.push_back(pending());
  auto& accepted = view.history.emplace_back();
  accepted.time = kNow - 1min;
  accepted.recipient = "Bob@Example.COM";
  accepted.sender = "alice@example.org";
  accepted.words = "192.0.2.9 as client.example";
  auto& deferred = view.history.emplace_back();
  deferred.time = kNow - 59s;
  deferred.kind = mail::HistoryKind::kDeferred;
  deferred.attempt = 1;
  deferred.next_due = kNow + 4min;
  deferred.recipient = "Bob@Example.COM";
  deferred.host = "mx1.example.com[192.0.2.1]:25";
  deferred.tls = "TLSv1.3 TLS_AES_256_GCM_SHA384 unverified";
  deferred.words = "450 4.7.1 come back later";
  deferred.retry_class = "greylist";
  return view;
}

class StoryTest : public testing::Test {
 protected:
  void SetUp() override {
    setenv("TZ", "UTC", 1);
    tzset();
  }
};

TEST_F(StoryTest, TracesAMessageFromItsArrivalToItsNextAttempt) {
  const auto story = tell_trace(trace_json(message(), {}, kNow), {});
  ASSERT_TRUE(story);
  EXPECT_EQ(*story,
            "message " + render_id(kId) +
                " is queued for 1 recipient\n"
                "\n"
                "2026-11-21 22:07:43 +0000  accepted 1m ago\n"
                "  from       alice@example.org\n"
                "  to         Bob@Example.COM\n"
                "  submitted  192.0.2.9 as client.example\n"
                "\n"
                "2026-11-21 22:07:44 +0000  deferred Bob@Example.COM (attempt 1) 59s ago\n"
                "  host       mx1.example.com[192.0.2.1]:25\n"
                "  TLS        TLSv1.3 TLS_AES_256_GCM_SHA384 unverified\n"
                "  reply      450 4.7.1 come back later\n"
                "  next       4m after, at 22:12:43, because: greylist\n"
                "\n"
                "still to come\n"
                "  Bob@Example.COM\n"
                "    next       in 4m (22:12:43), attempt 2\n"
                "    why        greylist: 450 4.7.1 come back ?[2Jlater\n"
                "    last host  mx1.example.com[192.0.2.1]:25\n"
                "    note       may have been delivered: a connection broke after our final "
                "dot\n");
}

TEST_F(StoryTest, SaysThatAMessageHasEnded) {
  MessageView view = message();
  view.envelope.reset();
  view.pending.clear();
  const auto story = tell_trace(trace_json(view, {}, kNow), {});
  ASSERT_TRUE(story);
  EXPECT_THAT(*story, HasSubstr(" has ended\n"));
  EXPECT_THAT(*story, Not(HasSubstr("still to come")));
}

TEST_F(StoryTest, ShowsAQueuedMessage) {
  const auto story = tell_message(message_json(message(), {}, kNow), {});
  ASSERT_TRUE(story);
  EXPECT_THAT(*story, HasSubstr("  accepted   2026-11-21 22:07:43 +0000 (1m ago)\n"));
  EXPECT_THAT(*story, HasSubstr("  size       1,234 bytes, 7bit\n"));
  EXPECT_THAT(*story, HasSubstr("  to         3 recipients, 1 still pending\n"));
}

TEST_F(StoryTest, ListsTheQueueInColumns) {
  QueuePage page;
  page.lines.push_back({{kId, pending()},
                        std::make_shared<mail::Envelope>(*message().envelope),
                        QueueFilter::State::kWaiting});
  page.next = queue::ListCursor{5, kId, 1};
  const std::string json = queue_json(page, kNow);
  const auto story = tell_queue(json, {});
  ASSERT_TRUE(story);
  EXPECT_THAT(*story, HasSubstr("in 4m (22:12:43)  greylist: 450"));
  EXPECT_THAT(*story, HasSubstr("1 recipient; there are more"));

  Pages pages("recipients");
  EXPECT_EQ(pages.add(json), 1U);
  EXPECT_EQ(pages.add(json), 2U);
  EXPECT_EQ(pages.next(), render_cursor(*page.next));
  const auto joined = nlohmann::json::parse(pages.json());
  EXPECT_EQ(joined["recipients"].size(), 2U);
  EXPECT_EQ(joined["recipients"][0], joined["recipients"][1]);
  EXPECT_EQ(joined["recipients"][0]["domain"], "example.com");
  EXPECT_EQ(joined["now"], "2026-11-21T22:08:43.123Z");
}

TEST_F(StoryTest, SurvivesRecipientsWhoseMessageHasJustEnded) {
  QueuePage page;
  page.lines.push_back({{kId, pending()}, nullptr, QueueFilter::State::kWaiting});
  const auto story = tell_queue(queue_json(page, kNow), {});
  ASSERT_TRUE(story);
  EXPECT_THAT(*story, HasSubstr("Bob@Example.COM"));
}

Census census() {
  constexpr auto kTls = static_cast<std::size_t>(policy::RetryClass::kTls);
  Census made;
  made.snapshot.counts = {
      .waiting = 1241, .ready = 1, .in_flight = 2, .held = 3, .destinations = 9};
  made.snapshot.due = {1240, 1, 0, 0, 0, 0, 0};
  made.due_by_class[kTls] = {310, 1, 0, 0, 0, 0, 0};
  made.due_by_class[policy::kRetryClasses] = {930, 0, 0, 0, 0, 0, 0};
  made.waiting_by_class[kTls] = 311;
  auto& destination = made.destinations.emplace_back();
  destination.domain = RoutingDomain("example.com");
  destination.waiting = 1241;
  destination.held = 3;
  destination.next_due = kNow + 30s;
  destination.backed_off_until = kNow + 5min;
  destination.last_failure = "connection refused";
  destination.site = "mx1.example.com +2 #1f3a";
  destination.window = 2;
  destination.slowed_until = kNow + 10min;
  destination.slowed_words = "421 4.7.0 too many";
  destination.suspended_until = kNever;
  destination.suspended_words = "domain example.com: they asked us to";
  return made;
}

TEST_F(StoryTest, DrawsTheSchedule) {
  const auto story = tell_schedule(schedule_json(census(), kNow), {});
  ASSERT_TRUE(story);
  EXPECT_THAT(*story, testing::StartsWith("1,241 waiting, 1 ready, 2 in flight, 3 held\n"));
  EXPECT_THAT(*story, HasSubstr("  1m         1,240 " + std::string(10, 't') +
                                std::string(30, 'u') + "\n"));
  EXPECT_THAT(*story, HasSubstr("  5m             1 t\n"));
  EXPECT_THAT(*story, HasSubstr("  15m            0\n"));
  EXPECT_THAT(*story, HasSubstr("waiting because\n"
                                "  t tls             311  TLS is not as it must be\n"
                                "  u untried         930  not tried yet\n"));
  EXPECT_THAT(*story, HasSubstr("0  in 30s  mx1.example.com +2 #1f3a\n"));
  EXPECT_THAT(*story, HasSubstr("out of the ordinary\n"
                                "  example.com\n"
                                "    suspended: domain example.com: they asked us to\n"
                                "    backed off until 22:13:43: connection refused\n"
                                "    slowed down to 2 connections until 22:18:43: 421 4.7.0 too "
                                "many\n"
                                "    3 held\n"));
  EXPECT_THAT(*story, HasSubstr("1 of 9 destinations\n"));
}

TEST_F(StoryTest, DrawsTheScheduleAsWideAsTheTerminal) {
  const Style style{.colour = true, .width = 80, .blocks = true};
  const auto story = tell_schedule(schedule_json(census(), kNow), style);
  ASSERT_TRUE(story);
  std::string plain;
  bool escape = false;
  for (const char c : *story) {
    escape = escape || c == '\x1b';
    if (!escape) plain += c;
    if (c == 'm') escape = false;
  }
  std::istringstream lines(plain);
  std::size_t widest = 0;
  for (std::string line; std::getline(lines, line);) {
    widest = std::max(widest, display_width(line));
  }
  EXPECT_EQ(widest, 80U) << plain;
  EXPECT_THAT(*story, HasSubstr("█"));
}

TEST_F(StoryTest, TellsTheStatus) {
  StatusView status;
  status.hostname = "mta1.example.com";
  status.workers = 2;
  status.listen.push_back({*parse_endpoint("127.0.0.1:587"), config::ListenTls::kStartTls});
  status.started = kNow - 25h;
  status.ready = true;
  status.ready_words = "ready";
  status.health_words = "worker 1 has been stuck for 11s";
  status.snapshot.oldest = kNow - 2h;
  const auto story = tell_status(status_json(status, kNow), {});
  ASSERT_TRUE(story);
  EXPECT_THAT(*story, HasSubstr("  up         1d 1h, since 2026-11-20 21:08:43 +0000\n"));
  EXPECT_THAT(*story, HasSubstr("  health     worker 1 has been stuck for 11s\n"));
  EXPECT_THAT(*story, HasSubstr("  listening  127.0.0.1:587 (starttls)\n"));
  EXPECT_THAT(*story, HasSubstr("  oldest     2h (accepted 2026-11-21 20:08:43 +0000)\n"));
}

TEST_F(StoryTest, WritesBytesThatAreNoUtf8AsValidJson) {
  MessageView view = message();
  view.history[1].words = "550 \xff\xfe";
  EXPECT_TRUE(tell_trace(trace_json(view, {}, kNow), {}));
}

TEST_F(StoryTest, RefusesWhatIsNoAnswerOfTheApi) {
  for (const char* answer : {"", "[]", "no", "{\"now\":"}) {
    EXPECT_FALSE(tell_status(answer, {})) << answer;
    EXPECT_FALSE(tell_queue(answer, {})) << answer;
  }
}

TEST_F(StoryTest, TakesFieldsOfOtherTypesForNothing) {
  const char* answer =
      R"({"now":5,"recipients":[1,{"id":[]}],"pending":{},"events":"x","due":[3]})";
  EXPECT_TRUE(tell_status(answer, {}));
  EXPECT_TRUE(tell_queue(answer, {}));
  EXPECT_TRUE(tell_message(answer, {}));
  EXPECT_TRUE(tell_trace(answer, {}));
  EXPECT_TRUE(tell_schedule(answer, {}));
  EXPECT_FALSE(tell_config(answer));
}

TEST_F(StoryTest, TellsTheWordsOfAnError) {
  EXPECT_EQ(tell_error(error_json("message 0 is not known here")), "message 0 is not known here");
  EXPECT_EQ(tell_error("no json"), "no json");
  EXPECT_EQ(tell_config(config_json("hostname: x\n")), "hostname: x\n");
}

}  // namespace
}  // namespace posthaste::daemon::tool
