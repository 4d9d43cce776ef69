// StoreThread: the one thread that writes to the queue's store.
//
// Takes everything that was queued while the last sync ran and makes one durable write of it (group
// commit). An Accept is written at once, since somebody waits for his 250; outcomes (Settle) and
// notes (Keep, DropNote) ride along, or go after settle_wait_max at the latest. When outcomes
// cannot be stored it keeps them, tells every worker (StoreTrouble), and tries again. Those that
// wait for what the disk does not give are tried again one by one, ever more seldom. Notes that
// cannot be stored are kept up to a limit. A note with a ticket is written at once, and whoever
// asked is told when it could not be stored.
//
// Threads      push functions from any; the sink is called in the store thread.
// Limits       Options; a full queue is refused by return value, never grown.
// Does not     know workers' insides: it routes by ticket (worker in the top 16 bits) or shard.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "daemon/heartbeat.h"
#include "daemon/log.h"
#include "daemon/metrics.h"
#include "lib/io/loop.h"
#include "lib/io/mailbox.h"
#include "queue/note_basket.h"
#include "queue/store.h"

namespace posthaste::daemon {

class StoreThread {
 public:
  struct Options {
    unsigned workers = 1;
    std::size_t batch_requests_max = 256;
    std::size_t batch_bytes_max = 4U << 20;
    std::size_t queue_max = 8192;               // requests waiting that may still be refused
    std::size_t queued_bytes_max = 128U << 20;  // content waiting
    std::size_t notes_max = 10'000;             // waiting; beyond it the oldest are forgotten
    std::size_t notes_bytes_max = 32U << 20;
    Duration settle_wait_max = std::chrono::milliseconds(50);
    Duration retry_after = std::chrono::seconds(1);
    Duration retry_after_max = std::chrono::minutes(10);  // of one that cannot be read
    Duration history = std::chrono::hours(168);
    // Asked before each step of gaining: true while the workers have enough to take in. Empty:
    // never. Called in the store thread.
    std::function<bool()> gain_waits = {};
  };
  using Sink = std::function<void(unsigned worker, std::vector<queue::StoreEvent>&& events)>;
  using Trouble = std::function<void(bool trouble)>;

  StoreThread(std::unique_ptr<queue::Store> store, Options options, Metrics& metrics, Log& log,
              Sink sink, Trouble trouble);
  ~StoreThread();
  void start();  // begins to gain the shards
  void stop();   // writes what is queued, then ends the thread

  // Any thread. False: overloaded, nothing was taken.
  [[nodiscard]] bool try_push(queue::Request&& request);
  // Any thread. For what was let in before: outcomes, loads.
  void push(queue::Request&& request);
  // For reads that are allowed from any thread.
  const queue::Store& store() const { return *store_; }
  // Behind the workers come two more of the sink's `worker`s; what a ticket has in its top 16 bits
  // when its answer is to go there: to whoever else stores messages, and to whoever keeps notes
  // that must last.
  std::uint64_t reporter_lane() const { return options_.workers; }
  std::uint64_t admin_lane() const { return options_.workers + std::uint64_t{1}; }
  // Outcomes are stored no more, however long we wait: only a restart helps. From then on stop()
  // does not wait for the disk to come round.
  bool stuck() const { return stuck_.load(std::memory_order_relaxed); }
  bool in_trouble() const { return trouble_.load(std::memory_order_relaxed); }
  bool gained() const { return gained_.load(std::memory_order_relaxed); }
  std::int64_t heartbeat() const { return heartbeat_.last(); }

 private:
  struct Waiting {
    queue::Settle settle;
    Instant since;
  };
  using ByWorker = std::vector<std::vector<queue::StoreEvent>>;
  void run();
  void on_mail();
  void drain();
  void write_the_rest();
  void sort_in(queue::Request&& request);
  std::vector<queue::Request> cut_batch(Instant now);
  bool settles_due(Instant now) const;
  bool notes_due(Instant now) const;
  void commit(std::vector<queue::Request>& batch);
  void route(std::vector<queue::StoreEvent>& events, bool written = true);
  void hand_out(ByWorker& events);
  unsigned worker_of(const queue::StoreEvent& event) const;
  void keep_for_later(queue::NotSettled&& refused, bool written);
  void keep_unread_for_later(queue::NotSettled&& refused);
  void take_unread(Instant due);
  void forget_pause(const queue::StoreEvent& event);
  void keep_notes_for_later(std::vector<queue::Request>& batch);
  void set_trouble(bool trouble, const std::string& words);
  void gain_some();
  void prune_if_due();
  void on_timer();
  void arm();

  const std::unique_ptr<queue::Store> store_;
  const Options options_;
  Metrics& metrics_;
  Log& log_;
  const Sink sink_;
  const Trouble tell_trouble_;

  io::Loop loop_;
  io::Mailbox<queue::Request> mailbox_;
  io::Timer timer_;
  Heartbeat heartbeat_;
  std::thread thread_;

  // The store thread's own.
  std::vector<queue::Request> fresh_;
  std::deque<queue::Request> urgent_;  // all but Settle and notes without a ticket, in order
  std::deque<Waiting> settles_;
  std::multimap<Instant, queue::Settle> unread_;  // by when they are tried again
  std::map<std::pair<ShardId, MessageId>, Duration>
      pauses_;  // of those in unread_ and on their way
  queue::NoteBasket notes_;
  Instant notes_since_{};            // when they began to wait
  Instant settles_blocked_until_{};  // after a refusal
  Instant next_gain_{};
  Instant next_prune_{};
  bool gaining_ = true;
  bool stopping_ = false;

  std::atomic<std::size_t> queued_bytes_{0};
  std::atomic<bool> trouble_{false};
  std::atomic<bool> stuck_{false};
  std::atomic<bool> gained_{false};
  std::atomic<bool> stop_asked_{false};
};

}  // namespace posthaste::daemon
