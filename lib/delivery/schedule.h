// WaitingHeap and ReadyLine: the recipients of one destination that wait for their due time, and
// those whose time has come, both as compact values.
//
// Memory       a Scheduled is 32 bytes; both containers grow by a quarter, so an entry costs at
//              most 40.
// Cost         take() is one pass, in place; it allocates once.
// Threads      none.
// Does not     know why an entry waits, or hold anything of the message itself.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
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
  std::int8_t priority = 0;     // the envelope's
  bool held : 1 = false;        // as in mail::Progress
  // Its message has time limits of its own (RFC 2852, RFC 4865), which the letter knows.
  bool timed : 1 = false;
  bool told : 1 = false;  // nobody is to be told any more that it is late
  // In the ready line: the letter was looked at, and `due` is when its next limit is reached.
  bool due_is_limit : 1 = false;

  // The limits are not what they were when the letter was looked at, which alone knows what they
  // come to now.
  void look_again() {
    if (due_is_limit) due = Instant{};
  }
};
static_assert(sizeof(Scheduled) <= 32);

// Grows by a quarter, not to twice as much: millions of entries are what the memory goes to.
void append(std::vector<Scheduled>& entries, const Scheduled& entry);

// Moves the entries of which `wanted` holds to the end of `taken`; all keep their order.
template <typename Wanted>
void take_wanted(std::vector<Scheduled>& entries, const Wanted& wanted,
                 std::vector<Scheduled>& taken) {
  const auto count =
      static_cast<std::size_t>(std::count_if(entries.begin(), entries.end(), wanted));
  if (count == 0) return;
  if (count == entries.size() && taken.empty()) return taken.swap(entries);
  taken.reserve(taken.size() + count);
  const auto rest = std::remove_if(entries.begin(), entries.end(), [&](const Scheduled& entry) {
    const bool goes = wanted(entry);
    if (goes) taken.push_back(entry);
    return goes;
  });
  entries.erase(rest, entries.end());
  if (entries.size() < entries.capacity() / 4) entries.shrink_to_fit();
}

// Earliest due first; the recipients of one message that are due together come together.
class WaitingHeap {
 public:
  WaitingHeap() = default;
  explicit WaitingHeap(std::vector<Scheduled> entries);
  void push(const Scheduled& entry);
  bool empty() const { return entries_.empty(); }
  std::size_t size() const { return entries_.size(); }
  // REQUIRES !empty().
  const Scheduled& front() const { return entries_.front(); }
  Scheduled pop_front();
  const std::vector<Scheduled>& entries() const { return entries_; }
  template <typename Wanted>
  void take(const Wanted& wanted, std::vector<Scheduled>& taken) {
    const std::size_t before = entries_.size();
    take_wanted(entries_, wanted, taken);
    if (entries_.size() < before) make_heap();
  }
  // Those of which `wanted` holds are due at `due`, if not before. How many there are.
  template <typename Wanted>
  std::size_t hasten(const Wanted& wanted, Instant due) {
    std::size_t count = 0;
    for (Scheduled& entry : entries_) {
      if (!wanted(entry)) continue;
      entry.due = std::min(entry.due, due);
      ++count;
    }
    if (count > 0) make_heap();
    return count;
  }
  std::size_t memory_bytes() const { return entries_.capacity() * sizeof(Scheduled); }

 private:
  void make_heap();
  void sink(std::size_t start);  // REQUIRES that what is beneath is in order

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
  Scheduled& at(std::size_t index) { return ring_[slot(index)]; }
  template <typename Wanted>
  void take(const Wanted& wanted, std::vector<Scheduled>& taken) {
    straighten();
    take_wanted(ring_, wanted, taken);
    size_ = ring_.size();
  }
  std::size_t memory_bytes() const { return ring_.capacity() * sizeof(Scheduled); }

 private:
  std::size_t slot(std::size_t index) const;
  void grow();
  void straighten();

  std::vector<Scheduled> ring_;
  std::size_t head_ = 0;
  std::size_t size_ = 0;
};

// Takes the recipients of the message at the front, at most `most` of them. REQUIRES most > 0 and
// that there is one.
template <typename Line>
std::vector<Scheduled> pop_message(Line& line, std::uint32_t most) {
  std::vector<Scheduled> popped{line.pop_front()};
  while (popped.size() < most && !line.empty() && line.front().id == popped.front().id &&
         line.front().shard == popped.front().shard) {
    popped.push_back(line.pop_front());
  }
  return popped;
}

}  // namespace posthaste::delivery
