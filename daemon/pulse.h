// Pulse: a thread, as others see it: who it is, and when its loop last went round.
//
// Threads      any; no state.
// Does not     judge: see admin_health.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace posthaste::daemon {

class ReaderThread;
class StoreThread;
class TlsReporter;
class Worker;

struct Pulse {
  std::string who;
  std::int64_t last = 0;       // as Heartbeat::last()
  bool may_take_long = false;  // it is told of, and nothing is wrong
};

// Of all threads but the admin's and the main one.
std::vector<Pulse> take_pulses(const std::vector<Worker*>& workers, const StoreThread& store,
                               const ReaderThread& reader, const TlsReporter& reporter);

}  // namespace posthaste::daemon
