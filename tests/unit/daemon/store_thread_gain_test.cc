#include <gtest/gtest.h>

#include <atomic>

#include "daemon/store_thread.h"
#include "queue/memory_store.h"

namespace posthaste::daemon {
namespace {

// A store as a start finds it, with one message.
std::unique_ptr<queue::Store> store_with_mail() {
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
  queue::MemoryStore before;
  queue::Request request = std::move(accept);
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

}  // namespace
}  // namespace posthaste::daemon
