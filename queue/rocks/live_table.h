// LiveTable: what memory keeps of messages in the queue, sixteen bytes each: a hash table with open
// addressing.
//
// Lifetime     one store, from open to close.
// Threads      none: the store thread.
// Limits       between 3/8 and 3/4 full once it has grown, so 21 to 43 bytes for each message; it
//              shrinks again.
// Does not     hold what the stored records say by themselves. See docs/queue-format.md, "What
//              memory keeps".
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "lib/base/ids.h"

namespace posthaste::queue {

struct Live {
  std::uint16_t remaining = 0;  // recipients without a final fate, as far as they are counted
  std::uint16_t chunks = 0;     // of the body
  // A message of one recipient that was accepted in this run and never deferred: its recipient's
  // record is at revision 0 and lies at (shard, number), which need no look-up then. Otherwise both
  // mean nothing.
  bool fresh = false;
  ShardId shard = 0;
  std::uint16_t number = 0;
  friend bool operator==(const Live&, const Live&) = default;
};

class LiveTable {
 public:
  std::optional<Live> find(MessageId id) const;
  // Puts or replaces. REQUIRES id.value is neither 0 nor above 63 bits.
  void put(MessageId id, Live live);
  void erase(MessageId id);
  std::size_t size() const { return size_; }
  std::size_t bytes() const { return slots_.capacity() * sizeof(Slot); }

 private:
  struct Slot {
    std::uint64_t id_and_fresh = 0;  // the top bit, which ids leave free, is `fresh`; 0: empty
    std::uint16_t remaining = 0;
    std::uint16_t chunks = 0;
    std::uint16_t shard = 0;
    std::uint16_t number = 0;
  };
  static_assert(sizeof(Slot) == 16);

  std::size_t home(std::uint64_t id) const;
  std::size_t place(std::uint64_t id) const;  // where it is, or would be put
  void resize(std::size_t slots);

  std::vector<Slot> slots_;  // size: a power of two, or 0
  std::size_t size_ = 0;
};

}  // namespace posthaste::queue
