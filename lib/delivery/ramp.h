// Ramp: how many connections one that comes back gets: one at first, and twice as many whenever
// each of them may have brought a verdict, until the limit is reached.
//
// Lifetime     its destination's or its site's. Threads: none.
// Does not     open or close connections, or know why it was begun.
#pragma once

#include <cstdint>

namespace posthaste::delivery {

class Ramp {
 public:
  static constexpr std::uint32_t kAll = UINT32_MAX;

  // Connections that may be open or opening; kAll: as many as the limits allow.
  std::uint32_t connections() const { return connections_; }
  void begin() { connections_ = left_ = 1; }
  // Mail was decided about. True: more is allowed now. `limit`: what would be allowed else.
  bool on_verdict(std::uint32_t limit) {
    if (left_ == 0 || --left_ > 0) return false;
    const std::uint64_t twice = std::uint64_t{connections_} * 2;
    connections_ = twice < limit ? static_cast<std::uint32_t>(twice) : kAll;
    left_ = connections_ == kAll ? 0 : connections_;
    return true;
  }

 private:
  std::uint32_t connections_ = kAll;
  std::uint32_t left_ = 0;  // verdicts until the next doubling; 0: there is no ramp
};

}  // namespace posthaste::delivery
