// Heartbeat: says that a thread's loop still goes round.
//
// Lifetime     the thread's; after its loop.
// Threads      last() from any; begin() before the thread runs, the rest in the loop's.
// Does not     judge: see admin_health.h.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "lib/io/loop.h"

namespace posthaste::daemon {

class Heartbeat {
 public:
  static constexpr Duration kEvery = std::chrono::milliseconds(500);

  // `also`: what else is looked at as often.
  explicit Heartbeat(io::Loop& loop, std::function<void()> also = nullptr);

  void begin();
  // In the midst of work that takes long.
  void beat();
  // Microseconds since the epoch; 0: it has not begun.
  std::int64_t last() const { return last_.load(std::memory_order_relaxed); }

 private:
  io::Loop& loop_;
  const std::function<void()> also_;
  io::Timer timer_;
  std::atomic<std::int64_t> last_{0};
};

}  // namespace posthaste::daemon
