// What the store thread does with what the store refuses.
#include "daemon/store_thread.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "queue/memory_store.h"

namespace posthaste::daemon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const MessageId kBad{1'000U << 22};
const MessageId kGood{2'000U << 22};

queue::Accept message(MessageId id) {
  auto envelope = std::make_shared<mail::Envelope>();
  envelope->id = id;
  envelope->recipients_total = 1;
  queue::Accept accept;
  accept.envelope = std::move(envelope);
  mail::PendingRecipient pending;
  pending.recipient.address = mail::Mailbox::trusted("b@nowhere.test");
  accept.recipients.push_back(std::move(pending));
  return accept;
}

queue::Settle delivered(MessageId id) {
  queue::Settle settle;
  settle.id = id;
  settle.fates.push_back(queue::Fate{0, queue::FateKind::kDelivered, 0, {}});
  return settle;
}

queue::Keep note(std::string key, std::string value) {
  return queue::Keep{queue::NoteKind::kTlsHost, std::move(key), std::move(value), kNever};
}

// The callbacks run in the store thread, so that they may change the store.
class StoreThreadTest : public testing::Test {
 protected:
  StoreThreadTest() {
    std::vector<queue::Request> batch{message(kBad), message(kGood)};
    std::vector<queue::StoreEvent> events;
    store_->commit(batch, events);
    options_.retry_after = std::chrono::milliseconds(1);
    options_.settle_wait_max = std::chrono::milliseconds(1);
  }
  void start() {
    thread_ = std::make_unique<StoreThread>(
        std::unique_ptr<queue::Store>(store_), options_, metrics_, log_,
        [this](unsigned worker, std::vector<queue::StoreEvent>&& events) {
          for (const auto& event : events) {
            on(event);
            if (worker == thread_->admin_lane()) on_note(event);
          }
        },
        [this](bool trouble) {
          troubles_.push_back(trouble);
          if (trouble && !thread_->stuck()) store_->set_trouble(std::nullopt);
        });
    thread_->start();
  }
  void on(const queue::StoreEvent& event) {
    const auto* settled = std::get_if<queue::Settled>(&event);
    if (settled == nullptr) return;
    settled_.push_back(settled->id);
    if (settled->id == wanted_) done_.set_value();
    if (settled->id == kGood) store_->set_unreadable(kBad, false);
  }
  void on_note(const queue::StoreEvent& event) {
    constexpr std::uint64_t kNumber = 0xFFFF'FFFF'FFFFU;
    if (const auto* kept = std::get_if<queue::Kept>(&event)) {
      note_answered_.set_value("kept " + std::to_string(kept->ticket & kNumber));
    } else if (const auto* refused = std::get_if<queue::NotKept>(&event)) {
      note_answered_.set_value("not kept " + std::to_string(refused->ticket & kNumber) + ": " +
                               refused->words);
      store_->set_trouble(std::nullopt);
    }
  }
  void wait_for(MessageId settled) {
    EXPECT_EQ(done_.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready)
        << render_id(settled);
  }
  // REQUIRES that the thread was stopped.
  std::vector<std::string> notes() {
    std::vector<std::string> lines;
    const auto add = [&](const std::string& key, const std::string& value, Instant) {
      lines.push_back(key + "=" + value);
    };
    EXPECT_TRUE(store_->notes(queue::NoteKind::kTlsHost, Instant{}, add));
    return lines;
  }

  queue::MemoryStore* const store_ = new queue::MemoryStore;  // thread_ takes it over
  StoreThread::Options options_;
  Metrics metrics_;
  Log log_{LogLevel::kError, LogFormat::kLogfmt};
  MessageId wanted_;
  std::promise<void> done_;
  std::promise<std::string> note_answered_;
  std::vector<MessageId> settled_;
  std::vector<bool> troubles_;
  std::unique_ptr<StoreThread> thread_;
};

TEST_F(StoreThreadTest, SettlesTheOthersWhileOneCannotBeReadAndThenThatOne) {
  store_->set_unreadable(kBad, true);
  wanted_ = kBad;
  start();
  thread_->push(delivered(kBad));
  thread_->push(delivered(kGood));
  wait_for(kBad);
  thread_->stop();
  EXPECT_THAT(settled_, ElementsAre(kGood, kBad));
  EXPECT_THAT(troubles_, IsEmpty()) << "one message is no reason to hold up the others";
}

TEST_F(StoreThreadTest, EndsThoughOneCannotBeReadUntilTheEnd) {
  store_->set_unreadable(kBad, true);
  start();
  thread_->push(delivered(kBad));
  thread_->stop();
  EXPECT_THAT(settled_, IsEmpty());
  EXPECT_EQ(store_->recipients(), 2U);
}

TEST_F(StoreThreadTest, TellsThatOnlyARestartHelpsAndWaitsForNothingThen) {
  store_->set_trouble(queue::MemoryStore::Trouble{false, true, "the log did not sync", true});
  options_.retry_after = std::chrono::hours(1);
  start();
  EXPECT_FALSE(thread_->stuck());
  thread_->push(delivered(kGood));
  thread_->stop();
  EXPECT_TRUE(thread_->stuck());
  EXPECT_EQ(store_->recipients(), 2U);
}

TEST_F(StoreThreadTest, WritesTheLatestOfEachNoteBeforeItEnds) {
  start();
  for (const char* value : {"1", "2", "3"}) thread_->push(note("a", value));
  thread_->push(note("b", "1"));
  thread_->push(queue::DropNote{queue::NoteKind::kTlsHost, "b"});
  thread_->stop();
  EXPECT_THAT(notes(), ElementsAre("a=3"));
}

TEST_F(StoreThreadTest, KeepsNotesThatTheDiskRefused) {
  store_->set_trouble(queue::MemoryStore::Trouble{true, true, "the disk is full"});
  wanted_ = kGood;
  start();
  thread_->push(note("a", "1"));
  thread_->push(delivered(kGood));
  wait_for(kGood);
  thread_->stop();
  EXPECT_THAT(notes(), ElementsAre("a=1"));
  EXPECT_THAT(troubles_, ElementsAre(true, false));
}

TEST_F(StoreThreadTest, ForgetsTheOldestNotesRatherThanGrow) {
  store_->set_trouble(queue::MemoryStore::Trouble{true, true, "the disk is full"});
  options_.notes_max = 2;
  options_.settle_wait_max = std::chrono::hours(1);
  start();
  for (const char* key : {"a", "b", "c"}) thread_->push(note(key, "1"));
  thread_->push(delivered(kGood));  // refused once; that ends the trouble
  thread_->stop();
  EXPECT_THAT(notes(), ElementsAre("b=1", "c=1"));
}

TEST_F(StoreThreadTest, AnswersANoteThatSomebodyWaitsForWhenItIsDurable) {
  start();
  auto kept = note("a", "1");
  kept.ticket = thread_->admin_lane() << 48 | 7;
  thread_->push(std::move(kept));
  EXPECT_EQ(note_answered_.get_future().get(), "kept 7");
  thread_->stop();
  EXPECT_THAT(notes(), ElementsAre("a=1"));
}

TEST_F(StoreThreadTest, DoesNotKeepANoteForLaterThatSomebodyWasRefused) {
  store_->set_trouble(queue::MemoryStore::Trouble{true, true, "the disk is full"});
  start();
  auto kept = note("a", "1");
  kept.ticket = thread_->admin_lane() << 48 | 7;
  thread_->push(std::move(kept));
  EXPECT_EQ(note_answered_.get_future().get(), "not kept 7: the disk is full");
  thread_->stop();
  EXPECT_THAT(notes(), IsEmpty());
}

}  // namespace
}  // namespace posthaste::daemon
