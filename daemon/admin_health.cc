#include "daemon/admin_health.h"

namespace posthaste::daemon {
namespace {

std::string join(const std::vector<std::string>& parts) {
  std::string all;
  for (const auto& part : parts) all += (all.empty() ? "" : "; ") + part;
  return all;
}

}  // namespace

Verdict judge_health(const std::vector<Pulse>& threads, Instant now) {
  std::vector<std::string> stuck;
  std::vector<std::string> busy{"ok"};
  for (const auto& [who, last, may_take_long] : threads) {
    if (last == 0) {
      stuck.push_back(who + " has not begun");
      continue;
    }
    const auto silent = now - Instant(Duration(last));
    if (silent < kHeartbeatMax) continue;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(silent).count();
    const std::string span = std::to_string(seconds) + "s";
    if (may_take_long) {
      busy.push_back(who + " has been busy for " + span);
    } else {
      stuck.push_back(who + " has been stuck for " + span);
    }
  }
  return {stuck.empty(), join(stuck.empty() ? busy : stuck), stuck.size()};
}

Verdict judge_readiness(const Readiness& readiness) {
  if (!readiness.listening) return {false, "not listening: starting or stopping"};
  if (readiness.store_trouble) {
    return {false, "the store cannot write: see the log for store_trouble"};
  }
  return {true, readiness.queue_gained ? "ready" : "ready; the queue is still being read"};
}

}  // namespace posthaste::daemon
