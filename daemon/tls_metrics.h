// TlsMetrics: the series of /metrics that are about TLS: handshakes, steps down, policies, reports.
//
// Every label has a bounded set of values, and what a configuration can lead to is there with zero
// as soon as it is in force. What an earlier configuration led to stays, as counters must.
//
// Threads      all functions from any.
// Does not     know who counts. Domains and hosts are in the log.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/policy/mta_sts_cache.h"
#include "lib/policy/tls_demand.h"
#include "lib/policy/tls_facts.h"
#include "lib/policy/tls_ladder.h"

namespace prometheus {
class Registry;
}

namespace posthaste::daemon {

enum class Direction : std::uint8_t { kInbound, kOutbound };
enum class TlsMode : std::uint8_t { kStartTls, kImplicit };

class TlsMetrics {
 public:
  // What a configuration can lead to.
  struct Vocabulary {
    std::string inbound_profile;
    std::vector<std::string> outbound_profiles;
    std::vector<policy::Ladder> ladders;
  };

  explicit TlsMetrics(prometheus::Registry& registry);  // which outlives it
  ~TlsMetrics();
  TlsMetrics(const TlsMetrics&) = delete;
  TlsMetrics& operator=(const TlsMetrics&) = delete;

  void know(const Vocabulary& vocabulary);

  void up(Direction direction, TlsMode mode, const policy::TlsFacts& facts, Duration took);
  // Also for failures without a handshake: not offered, refused.
  void failed(Direction direction, TlsMode mode, std::string_view profile,
              policy::TlsFailure reason);
  // From one profile to another, or from "starttls" to "plaintext".
  void fell_back(std::string_view from, std::string_view to, policy::TlsFailure reason);
  // What was asked of an outbound session, and whether it was there.
  void demanded(const policy::TlsDemand& demand, bool met);
  // Hosts that policy forbade before anybody was called.
  void barred(policy::TlsFailure reason);
  void suspected_strip();
  void sts_failed(policy::sts::Problem problem);
  void sts_fetched();
  void counted_for_report(bool success);
  void report_sent(bool success);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace posthaste::daemon
