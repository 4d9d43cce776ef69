// Metrics: every series that /metrics shows, known and zero from the start where its labels are
// bounded.
//
// Threads      the counting functions from any; they are atomic and look nothing up on the hot
//              path (a handshake is none).
// Does not     know who counts, or HTTP. What is a snapshot (queue sizes, the schedule) is set
//              before each scrape.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "daemon/tls_metrics.h"
#include "lib/delivery/engine.h"
#include "lib/policy/retry_policy.h"

namespace posthaste::daemon {

// What the workers and the store know at the moment of a scrape, added up.
struct Snapshot {
  delivery::Counts counts;
  delivery::DueHistogram due{};
  Instant oldest = kNever;
  std::uint64_t inbound_connections = 0;
  std::uint64_t dns_queries = 0, dns_cache_hits = 0, dns_failures = 0;
  std::uint64_t log_dropped = 0, store_corrupt = 0;
  bool store_trouble = false;
  struct DomainCount {
    std::uint64_t delivered = 0, deferred = 0, bounced = 0;
    std::uint64_t total() const { return delivered + deferred + bounced; }
  };
  std::map<std::string, DomainCount> domains;  // by routing domain
};

class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  TlsMetrics& tls();
  // kRemoved, kHeld and kReleased are the operator's word, and counted as that.
  void attempt(delivery::Ending ending, policy::RetryClass retry_class);
  void notified(std::string_view action);  // as name(report::Action)
  void slowed_down();
  void backed_up(bool done);
  void maybe_delivered();
  void delivered_after(Duration since_accepted);
  void scheduled(policy::RetryClass retry_class);
  void accepted(std::uint64_t recipients, std::uint64_t bytes);
  void refused(std::string_view why);  // "full", "busy", "loop", "smuggling", "policy", "other"
  void synced(Duration took, std::size_t requests);
  void outbound_connection();

  // The exposition text (format 0.0.4). Admin thread only.
  // `configured`: domains that are always shown; `top`: how many more, by attempts; the rest is
  // "other".
  std::string render(const Snapshot& snapshot, Instant now,
                     const std::vector<std::string>& configured, std::size_t top);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace posthaste::daemon
