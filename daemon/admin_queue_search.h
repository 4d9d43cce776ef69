// QueueSearch: all mail in the store that a filter means, found slice by slice, so that others may
// read in between.
//
// Lifetime     one search. Belongs to whoever has it: to the reader during a slice, else to the
//              admin.
// Threads      one at a time.
// Limits       kRecordsPerSlice looked at in a slice; what was found is the caller's to take.
// Does not     hold a snapshot: mail comes and goes meanwhile.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <vector>

#include "daemon/admin_queue_walk.h"

namespace posthaste::daemon {

class QueueSearch {
 public:
  static constexpr std::size_t kRecordsPerSlice = 10'000;

  // `lists`: the messages are wanted, not only how many recipients there are.
  QueueSearch(QueueLook look, bool lists) : look_(std::move(look)), lists_(lists) {}
  QueueSearch(const QueueSearch&) = delete;
  QueueSearch& operator=(const QueueSearch&) = delete;

  void read_slice(const queue::Store& store, const std::stop_token& stop);

  // It has seen all, or cannot go on: status() says which.
  bool over() const;
  const Status& status() const { return status_; }
  std::uint64_t found() const { return found_; }  // recipients
  std::uint64_t scanned() const { return walk_ == nullptr ? 0 : walk_->scanned(); }
  ShardId at_shard() const;
  // Messages that were found since they were last taken; about that many.
  std::size_t listed() const { return messages_.size(); }
  // Sorted, each once.
  std::vector<MessageId> take_messages();

 private:
  // Named messages are looked up one by one.
  Status read_named(const queue::Store& store, const std::stop_token& stop);
  void take(const queue::ListedRecipient& listed);

  const QueueLook look_;
  const bool lists_;
  std::unique_ptr<QueueWalk> walk_;
  std::vector<MessageId> messages_;
  std::uint64_t found_ = 0;
  Status status_;
};

}  // namespace posthaste::daemon
