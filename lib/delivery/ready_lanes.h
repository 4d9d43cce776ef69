// ReadyLanes: the ready line, with a lane of its own for every priority that is in it: higher ones
// go first, and within a lane first come goes first (RFC 6710 §4).
//
// Memory       as a ReadyLine while all are of one priority, and a tree node for every other one.
// Threads      none.
// Does not     age anybody: as long as there is urgent mail, the rest waits.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "lib/delivery/schedule.h"

namespace posthaste::delivery {

class ReadyLanes {
 public:
  void push_back(const Scheduled& entry);
  void push_front(const Scheduled& entry);
  bool empty() const { return first_.empty(); }
  std::size_t size() const { return first_.size() + behind_; }
  // REQUIRES !empty().
  const Scheduled& front() const { return first_.front(); }
  Scheduled pop_front();

  template <typename Wanted>
  void take(const Wanted& wanted, std::vector<Scheduled>& taken) {
    first_.take(wanted, taken);
    if (others_) {
      for (auto& [priority, lane] : *others_) lane.take(wanted, taken);
    }
    settle();
  }
  template <typename Visit>
  void for_each(const Visit& visit) const {
    walk(*this, visit);
  }
  // REQUIRES that nobody's priority changes.
  template <typename Change>
  void change_each(const Change& change) {
    walk(*this, change);
  }
  std::size_t memory_bytes() const;

 private:
  using Lanes = std::map<std::int8_t, ReadyLine, std::greater<>>;

  template <typename Self, typename Visit>
  static void walk(Self& self, const Visit& visit) {
    const auto along = [&](auto& lane) {
      for (std::size_t i = 0; i < lane.size(); ++i) visit(lane.at(i));
    };
    along(self.first_);
    if (!self.others_) return;
    for (auto& [priority, lane] : *self.others_) along(lane);
  }
  ReadyLine& lane_for(const Scheduled& entry);
  void settle();

  ReadyLine first_;                // the highest priority that there is; empty: nobody is ready
  std::int8_t priority_ = 0;       // of first_
  std::unique_ptr<Lanes> others_;  // null, or lower ones, none of them empty
  std::size_t behind_ = 0;         // how many are in others_
};

}  // namespace posthaste::delivery
