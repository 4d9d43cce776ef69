#include "daemon/admin_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "lib/base/names.h"
#include "queue/memory_store.h"

namespace posthaste::daemon {
namespace {

// Messages come a second apart.
MessageId id_of(std::uint64_t n) { return MessageId{(std::uint64_t{1'000} * (n + 1)) << 22}; }
constexpr Instant kNow{std::chrono::seconds(1'000)};

class AdminQueueTest : public testing::Test {
 protected:
  void accept(std::uint64_t n, const std::string& sender, const std::vector<std::string>& to,
              bool with_history = true) {
    auto envelope = std::make_shared<mail::Envelope>();
    envelope->id = id_of(n);
    if (!sender.empty()) envelope->sender = mail::Mailbox::trusted(sender);
    envelope->recipients_total = static_cast<std::uint16_t>(to.size());
    queue::Accept request;
    mail::HistoryEvent accepted;
    for (const auto& address : to) {
      mail::PendingRecipient pending;
      pending.recipient.number = static_cast<std::uint16_t>(request.recipients.size());
      pending.recipient.address = mail::Mailbox::trusted(address);
      pending.shard = shard_of(routing_domain(pending.recipient.address));
      request.recipients.push_back(pending);
      accepted.recipient += (accepted.recipient.empty() ? "" : " ") + address;
    }
    request.envelope = std::move(envelope);
    if (with_history) request.history = accepted;
    commit(std::move(request));
  }

  void commit(queue::Request request) {
    std::vector<queue::StoreEvent> events;
    store_.commit({&request, 1}, events);
  }

  using Parameters = std::map<std::string, std::string>;

  Result<QueueQuery> query(Parameters parameters) const {
    HttpRequest request;
    request.query = std::move(parameters);
    auto query = parse_queue_query(request, kNow);
    if (query) query->look.stopped = stopped_;
    return query;
  }

  // All recipients that fit, page after page.
  std::multiset<std::string> all(Parameters parameters) {
    std::multiset<std::string> found;
    do {
      const auto asked = query(parameters);
      EXPECT_TRUE(asked);
      const auto page = read_page(store_, *asked);
      EXPECT_TRUE(page);
      for (const auto& line : page->lines) {
        found.insert(line.listed.pending.recipient.address.text());
      }
      parameters["cursor"] = page->next ? render_cursor(*page->next) : "";
    } while (!parameters["cursor"].empty());
    return found;
  }
  std::multiset<std::string> all(const std::string& domain, const std::string& sender,
                                 const std::string& limit) {
    return all({{"domain", domain}, {"sender", sender}, {"limit", limit}});
  }

  // Gives the first recipient of a message other progress than a fresh one has.
  void defer(std::uint64_t n, const std::string& address, mail::Progress progress) {
    progress.revision = 1;
    queue::Settle settle;
    settle.shard = shard_of(routing_domain(mail::Mailbox::trusted(address)));
    settle.id = id_of(n);
    settle.fates.push_back({0, queue::FateKind::kDeferred, 0, std::move(progress)});
    commit(std::move(settle));
  }

  Stopped stopped_;
  queue::MemoryStore store_;
};

TEST_F(AdminQueueTest, ListsThePagesOfTheQueueWithoutGapsOrRepeats) {
  std::multiset<std::string> expected;
  for (std::uint64_t n = 0; n < 30; ++n) {
    const std::string address = "user@domain" + std::to_string(n % 7) + ".example";
    accept(n, "a@example.com", {address, "second@other.example"});
    expected.insert(address);
    expected.insert("second@other.example");
  }
  EXPECT_EQ(all("", "", "1"), expected);
  EXPECT_EQ(all("", "", "7"), expected);
  EXPECT_EQ(all("", "", ""), expected);
}

TEST_F(AdminQueueTest, ListsOneDomainOnly) {
  accept(1, "a@example.com", {"x@one.example", "y@two.example"});
  accept(2, "a@example.com", {"z@ONE.example"});
  EXPECT_EQ(all("One.Example", "", "1"),
            (std::multiset<std::string>{"x@one.example", "z@ONE.example"}));
  EXPECT_TRUE(all("three.example", "", "").empty());
}

TEST_F(AdminQueueTest, ListsOneSenderOnly) {
  accept(1, "a@example.com", {"x@one.example"});
  accept(2, "", {"y@one.example"});
  EXPECT_EQ(all("", "A@example.com", ""), (std::multiset<std::string>{"x@one.example"}));
  EXPECT_EQ(all("", "<>", ""), (std::multiset<std::string>{"y@one.example"}));
}

TEST_F(AdminQueueTest, ListsWhatIsFromADomainAsOneSender) {
  accept(1, "a@example.com", {"x@one.example"});
  accept(2, "b@Example.com", {"y@one.example"});
  accept(3, "c@sub.example.com", {"z@one.example"});
  EXPECT_EQ(all("", "@example.com", ""),
            (std::multiset<std::string>{"x@one.example", "y@one.example"}));
}

TEST_F(AdminQueueTest, ListsSeveralDomainsAndThoseBelowOne) {
  accept(1, "a@example.com", {"x@one.example", "y@two.example", "z@three.example"});
  accept(2, "a@example.com", {"v@mx.two.example", "w@four.example"});
  EXPECT_EQ(all({{"domain", "two.example,four.example"}, {"limit", "1"}}),
            (std::multiset<std::string>{"w@four.example", "y@two.example"}));
  EXPECT_EQ(all({{"domain", "*.two.example,one.example"}, {"limit", "1"}}),
            (std::multiset<std::string>{"v@mx.two.example", "x@one.example"}));
}

TEST_F(AdminQueueTest, ListsByAge) {
  for (std::uint64_t n = 1; n <= 3; ++n) {
    accept(n, "a@example.com", {"x" + std::to_string(n) + "@one.example"});
  }
  // They arrived 998, 997 and 996 seconds ago.
  EXPECT_EQ(all({{"older", "997s"}}), (std::multiset<std::string>{"x1@one.example"}));
  EXPECT_EQ(all({{"younger", "997s"}}),
            (std::multiset<std::string>{"x2@one.example", "x3@one.example"}));
  EXPECT_EQ(all({{"younger", "997s"}, {"older", "996s"}}),
            (std::multiset<std::string>{"x2@one.example"}));
}

TEST_F(AdminQueueTest, ListsByReasonAndByState) {
  for (std::uint64_t n = 1; n <= 4; ++n) {
    accept(n, "a@example.com", {"x" + std::to_string(n) + "@one.example"});
  }
  accept(5, "b@example.com", {"x5@two.example"});
  mail::Progress progress;
  progress.retry_class = "tls";
  progress.due = kNow;
  defer(1, "x1@one.example", progress);
  progress.due = kNow + std::chrono::seconds(1);
  defer(2, "x2@one.example", progress);
  progress.retry_class = "dns";
  progress.held = true;
  defer(3, "x3@one.example", progress);
  EXPECT_EQ(all({{"reason", "tls"}}),
            (std::multiset<std::string>{"x1@one.example", "x2@one.example"}));
  EXPECT_EQ(all({{"state", "waiting"}}), (std::multiset<std::string>{"x2@one.example"}));
  EXPECT_EQ(all({{"state", "held"}}), (std::multiset<std::string>{"x3@one.example"}));
  EXPECT_TRUE(all({{"state", "suspended"}}).empty());
  const auto suspensions =
      std::make_shared<const policy::Suspensions>(std::vector<policy::Suspension>{
          *policy::parse_suspension(policy::SuspensionKind::kDomain, "two.example"),
          *policy::parse_suspension(policy::SuspensionKind::kSite, "mx.one.example"),
          *policy::parse_suspension(policy::SuspensionKind::kSender, "nobody@example.com")});
  stopped_ = Stopped(suspensions);
  EXPECT_EQ(all({{"state", "suspended"}}), (std::multiset<std::string>{"x5@two.example"}));
  EXPECT_EQ(all({{"state", "ready"}}),
            (std::multiset<std::string>{"x1@one.example", "x4@one.example"}));
  stopped_ = Stopped(suspensions, {RoutingDomain("one.example")});
  EXPECT_EQ(all({{"state", "suspended"}}),
            (std::multiset<std::string>{"x1@one.example", "x4@one.example", "x5@two.example"}))
      << "and what is not due waits, whatever stands still";
  EXPECT_TRUE(all({{"state", "ready"}}).empty());
}

TEST_F(AdminQueueTest, RefusesQueriesThatMakeNoSense) {
  const std::vector<Parameters> wrong{{{"limit", "0"}},     {{"limit", "1001"}},
                                      {{"limit", "ten"}},   {{"older", "soon"}},
                                      {{"reason", "rain"}}, {{"state", "asleep"}},
                                      {{"domain", "a..b"}}, {{"id", render_id(id_of(1))}}};
  for (const auto& parameters : wrong) {
    EXPECT_FALSE(query(parameters)) << parameters.begin()->first;
  }
  for (const char* cursor : {"x", "1.2", "1024.0000000000000.1", "1.0000000000000.70000", "1..1",
                             "-1.0000000000000.1", "1.000000000000U.1"}) {
    EXPECT_FALSE(query({{"cursor", cursor}})) << cursor;
  }
}

TEST_F(AdminQueueTest, CursorsSurviveTheTripThroughText) {
  const queue::ListCursor cursor{1023, id_of(5), 65535};
  const auto parsed = parse_cursor(render_cursor(cursor));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(*parsed, cursor);
}

TEST_F(AdminQueueTest, FindsTheRecipientsOfAMessageByItsHistory) {
  accept(1, "a@example.com", {"x@one.example", "\"a b@c\"@two.example", "z@[192.0.2.1]"});
  accept(2, "a@example.com", {"other@one.example"});
  const auto view = read_message(store_, id_of(1));
  ASSERT_TRUE(view);
  ASSERT_TRUE(view->envelope);
  EXPECT_EQ(view->pending.size(), 3U);
  EXPECT_EQ(view->history.size(), 1U);
}

TEST_F(AdminQueueTest, FindsTheRecipientsOfAMessageWithoutHistory) {
  for (std::uint64_t n = 1; n < 40; ++n) {
    accept(n, "a@example.com",
           {"x@one" + std::to_string(n) + ".example", "y@two.example", "z@two.example"}, false);
  }
  for (std::uint64_t n = 1; n < 40; ++n) {
    const auto view = read_message(store_, id_of(n));
    ASSERT_TRUE(view);
    EXPECT_EQ(view->pending.size(), 3U) << n;
  }
}

TEST_F(AdminQueueTest, ShowsTheHistoryOfAMessageThatHasEnded) {
  accept(1, "a@example.com", {"x@one.example"});
  queue::Settle settle;
  settle.id = id_of(1);
  settle.shard = shard_of(RoutingDomain("one.example"));
  settle.fates.push_back({});
  settle.history.emplace_back().kind = mail::HistoryKind::kDelivered;
  commit(std::move(settle));
  const auto view = read_message(store_, id_of(1));
  ASSERT_TRUE(view);
  EXPECT_FALSE(view->envelope);
  EXPECT_TRUE(view->pending.empty());
  EXPECT_EQ(view->history.size(), 2U);
}

TEST_F(AdminQueueTest, KnowsNothingOfAMessageThatNeverWas) {
  const auto view = read_message(store_, id_of(9));
  ASSERT_FALSE(view);
  EXPECT_EQ(view.error().code, ErrorCode::kNotFound);
}

TEST_F(AdminQueueTest, EndsWhenItIsAskedToStop) {
  accept(1, "a@example.com", {"b@one.test"});
  accept(2, "a@example.com", {"b@one.test"}, false);
  std::stop_source stop;
  stop.request_stop();
  const auto page = read_page(store_, *query({}), stop.get_token());
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().code, ErrorCode::kBusy);
  for (const std::uint64_t n : {1U, 2U}) {
    const auto view = read_message(store_, id_of(n), stop.get_token());
    ASSERT_FALSE(view);
    EXPECT_EQ(view.error().code, ErrorCode::kBusy);
  }
}

}  // namespace
}  // namespace posthaste::daemon
