// Arrivals: how many unsettled recipients arrived in each second, to know the oldest one.
//
// Memory       one tree node per second that still has somebody, not one per recipient: a queue of
//              five days costs at most 432,000 nodes, however many millions it holds.
// Cost         add and remove O(log seconds); oldest O(1).
#pragma once

#include <cstdint>
#include <map>

#include "lib/base/ids.h"
#include "lib/base/time.h"

namespace posthaste::delivery {

class Arrivals {
 public:
  void add(MessageId id);
  // REQUIRES an add(id) that was not yet removed.
  void remove(MessageId id);
  std::uint64_t size() const { return size_; }
  // Rounded down to the second. kNever: none.
  Instant oldest() const;

 private:
  using Seconds = std::chrono::sys_seconds;
  std::map<Seconds, std::uint64_t> by_second_;
  std::uint64_t size_ = 0;
};

}  // namespace posthaste::delivery
