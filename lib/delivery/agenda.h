// Agenda: which destination wants to be looked at when. A binary heap in which every destination
// knows its place, so that a change of mind is O(log destinations); no timer per message or
// connection.
//
// Lifetime     outlives its destinations, each of which leaves with erase().
// Threads      none.
#pragma once

#include <cstddef>
#include <vector>

#include "lib/base/time.h"

namespace posthaste::delivery {

// What stands on an Agenda. Inherited by Destination.
struct AgendaItem {
  Instant wake = kNever;
  std::size_t place = kAbsent;
  static constexpr std::size_t kAbsent = static_cast<std::size_t>(-1);
};

class Agenda {
 public:
  // kNever takes it off.
  void set(AgendaItem& item, Instant wake);
  void erase(AgendaItem& item);
  // kNever: nothing stands on it.
  Instant earliest() const { return heap_.empty() ? kNever : heap_.front()->wake; }
  // REQUIRES earliest() != kNever.
  AgendaItem& first() const { return *heap_.front(); }

 private:
  void sift_up(std::size_t place);
  void sift_down(std::size_t place);
  void put(std::size_t place, AgendaItem* item);

  std::vector<AgendaItem*> heap_;
};

}  // namespace posthaste::delivery
