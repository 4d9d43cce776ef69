// EntryFilter: the part of a Selection that an entry of the schedule decides by itself.
//
// Lifetime     one Steer; its selection outlives it.
// Cost         a few comparisons an entry, and a binary search where messages are named.
// Does not     look at domains or at where the entry stands: see Destination::steer().
#pragma once

#include <algorithm>

#include "lib/delivery/event.h"
#include "lib/delivery/schedule.h"

namespace posthaste::delivery {

class EntryFilter {
 public:
  explicit EntryFilter(const Selection& selection) : selection_(selection) {}

  bool wants(const Scheduled& entry) const {
    return wants(entry.id) &&
           (!selection_.retry_class ||
            (entry.attempts > 0 && entry.retry_class == *selection_.retry_class));
  }
  // As far as the message decides.
  bool wants(MessageId id) const {
    const Instant arrived = id.time();
    if (arrived < selection_.arrived_from || selection_.arrived_before <= arrived) return false;
    return !names_messages() || names(id);
  }
  bool names_messages() const { return selection_.messages != nullptr; }

 private:
  bool names(MessageId id) const {
    const auto& all = *selection_.messages;
    return !all.empty() && all.front() <= id && id <= all.back() &&
           std::binary_search(all.begin(), all.end(), id);
  }

  const Selection& selection_;
};

}  // namespace posthaste::delivery
