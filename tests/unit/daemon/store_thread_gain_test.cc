#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "daemon/store_thread.h"
#include "queue/memory_store.h"

namespace posthaste::daemon {
namespace {

queue::Accept message() {
  auto envelope = std::make_shared<mail::Envelope>();
  envelope->id = MessageId{1'000U << 22};
  envelope->recipients_total = 1;
  envelope->body_chunks = 1;
  queue::Accept accept;
  accept.envelope = std::move(envelope);
  accept.chunks.push_back(std::make_shared<const std::string>("Subject: x\r\n\r\n"));
  mail::PendingRecipient pending;
  pending.recipient.address = mail::Mailbox::trusted("b@nowhere.test");
  pending.shard = shard_of(routing_domain(pending.recipient.address));
  accept.recipients.push_back(std::move(pending));
  return accept;
}

// A store as a start finds it, with one message.
std::unique_ptr<queue::Store> store_with_mail() {
  queue::MemoryStore before;
  queue::Request request = message();
  std::vector<queue::StoreEvent> events;
  before.commit({&request, 1}, events);
  return before.crash();
}

TEST(StoreThread, GainsNothingWhileTheWorkersHaveEnough) {
  Metrics metrics;
  Log log(LogLevel::kError, LogFormat::kLogfmt);
  std::atomic<bool> enough{true};
  std::atomic<int> asked{0};
  std::atomic<int> entries{0};
  StoreThread::Options options;
  options.gain_waits = [&] {
    ++asked;
    return enough.load();
  };
  StoreThread store(
      store_with_mail(), options, metrics, log,
      [&](unsigned, std::vector<queue::StoreEvent>&& events) {
        for (const auto& event : events) entries += std::holds_alternative<queue::Entry>(event);
      },
      [](bool) {});
  store.start();
  while (asked < 3) std::this_thread::yield();
  EXPECT_EQ(entries, 0);
  EXPECT_FALSE(store.gained());
  enough = false;
  while (!store.gained()) std::this_thread::yield();
  EXPECT_EQ(entries, 1);
  store.stop();
}

// Found with `queue hold ID` right behind the 250, which might have been told of before the
// message.
TEST(StoreThread, TellsWhoDeliversAMessageBeforeWhoSubmittedItIsAnswered) {
  Metrics metrics;
  Log log(LogLevel::kError, LogFormat::kLogfmt);
  StoreThread::Options options;
  options.workers = 2;
  std::vector<std::string> told;
  std::promise<void> answered;
  StoreThread store(
      std::make_unique<queue::MemoryStore>(), options, metrics, log,
      [&](unsigned worker, std::vector<queue::StoreEvent>&& events) {
        for (const auto& event : events) {
          const std::string to = " to worker " + std::to_string(worker);
          if (std::holds_alternative<queue::Arrived>(event)) told.push_back("arrived" + to);
          if (!std::holds_alternative<queue::Accepted>(event)) continue;
          told.push_back("accepted" + to);
          answered.set_value();
        }
      },
      [](bool) {});
  store.start();
  queue::Accept accept = message();
  accept.ticket = 7;  // worker 0's
  accept.recipients[0].shard = 2;
  auto other = accept.recipients[0];
  other.recipient.number = 1;
  other.shard = 3;
  accept.recipients.push_back(std::move(other));
  ASSERT_TRUE(store.try_push(std::move(accept)));
  answered.get_future().wait();
  store.stop();
  EXPECT_EQ(told, (std::vector<std::string>{"arrived to worker 1", "accepted to worker 0",
                                            "arrived to worker 0"}));
}

}  // namespace
}  // namespace posthaste::daemon
