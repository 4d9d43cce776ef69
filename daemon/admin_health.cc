#include "daemon/admin_health.h"

namespace posthaste::daemon {
namespace {

// What is wrong with a thread; empty: nothing.
std::string stuck(const std::string& who, std::int64_t heartbeat, Instant now) {
  if (heartbeat == 0) return who + " has not begun";
  const Duration silent = now - Instant(Duration(heartbeat));
  if (silent < kHeartbeatMax) return {};
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(silent).count();
  return who + " has been stuck for " + std::to_string(seconds) + "s";
}

}  // namespace

Verdict judge_health(const std::vector<std::int64_t>& workers, std::int64_t store, Instant now) {
  std::string words;
  const auto add = [&words](const std::string& trouble) {
    if (!trouble.empty()) words += (words.empty() ? "" : "; ") + trouble;
  };
  for (std::size_t i = 0; i < workers.size(); ++i) {
    add(stuck("worker " + std::to_string(i), workers[i], now));
  }
  add(stuck("the store thread", store, now));
  return {words.empty(), words.empty() ? "ok" : words};
}

Verdict judge_readiness(const Readiness& readiness) {
  if (!readiness.listening) return {false, "not listening: starting or stopping"};
  if (readiness.store_trouble) {
    return {false, "the store cannot write: see the log for store_trouble"};
  }
  return {true, readiness.queue_gained ? "ready" : "ready; the queue is still being read"};
}

}  // namespace posthaste::daemon
