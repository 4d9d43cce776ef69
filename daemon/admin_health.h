// Health and readiness: two questions that monitors ask, answered in words.
//
// Threads      any; no state.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/pulse.h"
#include "lib/base/time.h"

namespace posthaste::daemon {

struct Verdict {
  bool ok = false;
  std::string words;      // one line
  std::size_t stuck = 0;  // how many threads are
};

// A thread that has not looked around for so long is stuck.
inline constexpr Duration kHeartbeatMax = std::chrono::seconds(10);

Verdict judge_health(const std::vector<Pulse>& threads, Instant now);

struct Readiness {
  bool listening = false;
  bool store_trouble = false;
  bool queue_gained = false;
};
Verdict judge_readiness(const Readiness& readiness);

}  // namespace posthaste::daemon
