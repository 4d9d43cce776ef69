// Deadlines: one timer for all sessions of a worker.
//
// A session's deadline moves with every reply. Moving it later costs nothing: the heap keeps the
// old, earlier time, and looks again when that comes. Only an earlier deadline is pushed anew.
#pragma once

#include <functional>
#include <queue>
#include <unordered_map>
#include <vector>

#include "lib/base/time.h"
#include "lib/io/loop.h"

namespace posthaste::daemon {

class Deadlines {
 public:
  // Something with a deadline. Stays registered until forget().
  class Item {
   public:
    virtual ~Item() = default;
    virtual Instant deadline() const = 0;
    virtual void on_deadline() = 0;  // now >= deadline()

   private:
    friend class Deadlines;
    Instant queued_ = kNever;  // the earliest time at which the heap looks at this item
    std::uint64_t key_ = 0;
  };

  explicit Deadlines(io::Loop& loop);
  void watch(Item& item);   // after the item's deadline may have changed; also registers it
  void forget(Item& item);  // before the item dies

 private:
  struct Slot {
    Instant when;
    std::uint64_t key;
    bool operator>(const Slot& other) const { return when > other.when; }
  };
  void on_timer();
  void arm();

  io::Loop& loop_;
  io::Timer timer_;
  std::priority_queue<Slot, std::vector<Slot>, std::greater<>> heap_;
  std::unordered_map<std::uint64_t, Item*> items_;
  Instant armed_ = kNever;
  std::uint64_t last_key_ = 0;
};

}  // namespace posthaste::daemon
