#include "lib/delivery/schedule.h"

#include <algorithm>
#include <tuple>

#include "lib/base/check.h"

namespace posthaste::delivery {
namespace {

constexpr std::size_t kSmallest = 4;

bool later(const Scheduled& a, const Scheduled& b) {
  if (a.due != b.due) return a.due > b.due;
  return std::tie(a.id, a.number) > std::tie(b.id, b.number);
}

std::size_t grown(std::size_t size) { return std::max(kSmallest, size + size / 4); }

}  // namespace

void append(std::vector<Scheduled>& entries, const Scheduled& entry) {
  if (entries.size() == entries.capacity()) entries.reserve(grown(entries.size() + 1));
  entries.push_back(entry);
}

WaitingHeap::WaitingHeap(std::vector<Scheduled> entries) : entries_(std::move(entries)) {
  make_heap();
}

// std::make_heap() takes every entry down to a leaf and up again. Most of them stay about where
// they are, and with millions of entries that is a quarter of the time: a turn is waiting.
void WaitingHeap::make_heap() {
  for (std::size_t i = entries_.size() / 2; i-- > 0;) sink(i);
}

void WaitingHeap::sink(std::size_t start) {
  const Scheduled sinking = entries_[start];
  std::size_t at = start;
  for (std::size_t child = 2 * at + 1; child < entries_.size(); child = 2 * at + 1) {
    if (child + 1 < entries_.size() && later(entries_[child], entries_[child + 1])) ++child;
    if (!later(sinking, entries_[child])) break;
    entries_[at] = entries_[child];
    at = child;
  }
  if (at != start) entries_[at] = sinking;
}

void WaitingHeap::push(const Scheduled& entry) {
  append(entries_, entry);
  std::push_heap(entries_.begin(), entries_.end(), later);
}

Scheduled WaitingHeap::pop_front() {
  CHECK(!entries_.empty());
  std::pop_heap(entries_.begin(), entries_.end(), later);
  const Scheduled entry = entries_.back();
  entries_.pop_back();
  if (entries_.size() < entries_.capacity() / 4) entries_.shrink_to_fit();
  return entry;
}

std::size_t ReadyLine::slot(std::size_t index) const {
  const std::size_t at = head_ + index;
  return at < ring_.size() ? at : at - ring_.size();
}

void ReadyLine::grow() {
  std::vector<Scheduled> wider;
  wider.reserve(grown(size_ + 1));
  for (std::size_t i = 0; i < size_; ++i) wider.push_back(at(i));
  wider.resize(wider.capacity());
  ring_.swap(wider);
  head_ = 0;
}

void ReadyLine::straighten() {
  std::rotate(ring_.begin(), ring_.begin() + static_cast<std::ptrdiff_t>(head_), ring_.end());
  ring_.resize(size_);
  head_ = 0;
}

void ReadyLine::push_back(const Scheduled& entry) {
  if (size_ == ring_.size()) grow();
  ring_[slot(size_)] = entry;
  ++size_;
}

void ReadyLine::push_front(const Scheduled& entry) {
  if (size_ == ring_.size()) grow();
  head_ = head_ == 0 ? ring_.size() - 1 : head_ - 1;
  ring_[head_] = entry;
  ++size_;
}

Scheduled ReadyLine::pop_front() {
  CHECK(size_ > 0);
  const Scheduled entry = ring_[head_];
  head_ = slot(1);
  --size_;
  if (size_ == 0) {
    // An idle destination keeps nothing; a busy one goes on with a small ring.
    if (ring_.size() > kSmallest) std::vector<Scheduled>().swap(ring_);
    head_ = 0;
  }
  return entry;
}

}  // namespace posthaste::delivery
