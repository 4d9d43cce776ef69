#include "lib/delivery/ready_lanes.h"

#include <utility>

namespace posthaste::delivery {

// The lane that the entry is about to enter, counted already where it is behind the first one.
ReadyLine& ReadyLanes::lane_for(const Scheduled& entry) {
  if (first_.empty()) priority_ = entry.priority;
  if (entry.priority == priority_) return first_;
  if (!others_) others_ = std::make_unique<Lanes>();
  if (entry.priority > priority_) {
    behind_ += first_.size();
    (*others_)[priority_] = std::exchange(first_, {});
    priority_ = entry.priority;
    return first_;
  }
  ++behind_;
  return (*others_)[entry.priority];
}

void ReadyLanes::push_back(const Scheduled& entry) { lane_for(entry).push_back(entry); }
void ReadyLanes::push_front(const Scheduled& entry) { lane_for(entry).push_front(entry); }

Scheduled ReadyLanes::pop_front() {
  const Scheduled entry = first_.pop_front();
  if (first_.empty() && others_) settle();
  return entry;
}

// Whoever is highest now comes first, and empty lanes go.
void ReadyLanes::settle() {
  if (!others_) return;
  std::erase_if(*others_, [](const auto& one) { return one.second.empty(); });
  if (first_.empty() && !others_->empty()) {
    const auto highest = others_->begin();
    priority_ = highest->first;
    first_ = std::move(highest->second);
    others_->erase(highest);
  }
  behind_ = 0;
  for (const auto& [priority, lane] : *others_) behind_ += lane.size();
  if (others_->empty()) others_.reset();
}

std::size_t ReadyLanes::memory_bytes() const {
  std::size_t bytes = first_.memory_bytes();
  if (!others_) return bytes;
  for (const auto& [priority, lane] : *others_)
    bytes += sizeof(Lanes::node_type) + lane.memory_bytes();
  return bytes;
}

}  // namespace posthaste::delivery
