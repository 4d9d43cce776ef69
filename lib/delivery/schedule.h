// WaitingHeap and ReadyLine: the recipients of one destination that wait for their due time, and
// those whose time has come, both as compact values.
//
// Memory       a Scheduled is 32 bytes; both containers grow by a quarter, so an entry costs at
//              most 40.
// Threads      none.
// Does not     know why an entry waits, or hold anything of the message itself.
#pragma once

#include <cstdint>
#include <vector>

#include "lib/base/ids.h"
#include "lib/base/time.h"
#include "lib/policy/retry_policy.h"

namespace posthaste::delivery {

// One recipient, as the schedule knows it.
struct Scheduled {
  MessageId id;
  Instant due;
  std::uint32_t revision = 0;
  std::uint32_t attempts = 0;
  std::uint16_t number = 0;
  ShardId shard = 0;
  policy::RetryClass retry_class = policy::RetryClass::kOther;
  std::uint8_t unreadable = 0;  // how often in a row the store could not read its letter
};
static_assert(sizeof(Scheduled) <= 32);

// Earliest due first; the recipients of one message that are due together come together.
class WaitingHeap {
 public:
  void push(const Scheduled& entry);
  bool empty() const { return entries_.empty(); }
  std::size_t size() const { return entries_.size(); }
  // REQUIRES !empty().
  const Scheduled& top() const { return entries_.front(); }
  Scheduled pop();
  const std::vector<Scheduled>& entries() const { return entries_; }
  std::size_t memory_bytes() const { return entries_.capacity() * sizeof(Scheduled); }

 private:
  std::vector<Scheduled> entries_;
};

// First in, first out; what was taken too early goes back to the front.
class ReadyLine {
 public:
  void push_back(const Scheduled& entry);
  void push_front(const Scheduled& entry);
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  // REQUIRES !empty().
  const Scheduled& front() const { return ring_[head_]; }
  Scheduled pop_front();
  // REQUIRES index < size().
  const Scheduled& at(std::size_t index) const { return ring_[slot(index)]; }
  std::size_t memory_bytes() const { return ring_.capacity() * sizeof(Scheduled); }

 private:
  std::size_t slot(std::size_t index) const;
  void grow();

  std::vector<Scheduled> ring_;
  std::size_t head_ = 0;
  std::size_t size_ = 0;
};

}  // namespace posthaste::delivery
