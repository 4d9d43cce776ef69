#include "daemon/admin_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "lib/base/names.h"
#include "queue/memory_store.h"

namespace posthaste::daemon {
namespace {

MessageId id_of(std::uint64_t n) { return MessageId{(std::uint64_t{1'000} + n) << 22}; }

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

  // All recipients that fit, page after page.
  std::multiset<std::string> all(const std::string& domain, const std::string& sender,
                                 const std::string& limit) {
    std::multiset<std::string> found;
    std::string cursor;
    do {
      const auto query = parse_queue_query(domain, sender, limit, cursor);
      EXPECT_TRUE(query);
      const auto page = read_page(store_, *query);
      EXPECT_TRUE(page);
      for (const auto& line : page->lines) {
        found.insert(line.listed.pending.recipient.address.text());
      }
      cursor = page->next ? render_cursor(*page->next) : "";
    } while (!cursor.empty());
    return found;
  }

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

TEST_F(AdminQueueTest, RefusesQueriesThatMakeNoSense) {
  EXPECT_FALSE(parse_queue_query("", "", "0", ""));
  EXPECT_FALSE(parse_queue_query("", "", "1001", ""));
  EXPECT_FALSE(parse_queue_query("", "", "ten", ""));
  for (const char* cursor : {"x", "1.2", "1024.0000000000000.1", "1.0000000000000.70000", "1..1",
                             "-1.0000000000000.1", "1.000000000000U.1"}) {
    EXPECT_FALSE(parse_queue_query("", "", "", cursor)) << cursor;
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
  const auto page = read_page(store_, *parse_queue_query("", "", "", ""), stop.get_token());
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
