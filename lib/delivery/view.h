// What can be seen of an engine: counts for /metrics, and what is known of a destination.
//
// Does not     change anything. See engine.h.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/ip.h"
#include "lib/base/names.h"
#include "lib/base/time.h"
#include "lib/mail/envelope.h"
#include "lib/policy/mta_sts.h"
#include "lib/policy/retry_policy.h"
#include "lib/policy/tls_demand.h"
#include "lib/policy/tls_memory.h"

namespace posthaste::delivery {

// What `posthaste schedule`, /metrics and the tests look at.
struct Counts {
  std::uint64_t waiting = 0;    // due later
  std::uint64_t ready = 0;      // due, not yet begun
  std::uint64_t in_flight = 0;  // begun, not yet settled durably
  std::uint64_t held = 0;       // by the operator: in none of the above
  std::uint64_t suspended = 0;  // likewise
  std::uint64_t connections = 0;
  std::uint64_t destinations = 0;
};
inline constexpr std::array<Duration, 6> kDueBounds{
    std::chrono::minutes(1), std::chrono::minutes(5), std::chrono::minutes(15),
    std::chrono::hours(1),   std::chrono::hours(4),   std::chrono::hours(24)};
using DueHistogram = std::array<std::uint64_t, kDueBounds.size() + 1>;  // within each bound (not
                                                                        // cumulative), and later
// By the RetryClass that mail waits for; the last row: it has not been tried yet.
using DueByClass = std::array<DueHistogram, policy::kRetryClasses + 1>;

// How far the engine is with a Steer.
struct SteeringView {
  std::uint64_t matched = 0;    // recipients
  std::uint64_t under_way = 0;  // would match, but are just being delivered: untouched
  std::uint64_t left = 0;       // of those that matched: not yet durable
};

struct DestinationView {
  RoutingDomain domain;
  // As in Counts; each recipient is counted once.
  std::uint64_t waiting = 0, ready = 0, in_flight = 0, held = 0, suspended = 0, connections = 0;
  Instant next_due = kNever;
  Instant backed_off_until;  // epoch: not backed off; else some of its mail is
  // Words of the last failure as a whole, its own or else its site's; empty after a success.
  std::string last_failure;
  std::array<std::uint64_t, policy::kRetryClasses> waiting_by_class{};
  // The operator has stopped all of its mail; the epoch: he has not; kNever: until he says so.
  Instant suspended_until;
  std::string suspended_words;  // "domain example.com: they asked us to"
  // Its MX hosts: "mx1.example.com", "mx1.example.com +2 #1f3a"; empty: not known just now.
  std::string site;
  std::uint64_t window = 0;  // connections that it may have just now, if its site has room
  Instant slowed_until;      // when the site is at full speed again; the epoch: it is
  std::string slowed_words;  // why it is not
};

// Domains that are served by the same mail hosts share what those bear.
struct SiteView {
  std::string name;           // as DestinationView::site
  std::uint64_t domains = 0;  // with mail for it just now
  std::uint64_t connections = 0;
  std::uint64_t window =
      0;                 // connections that it is allowed just now; 0: as many as its domains are
  Instant slowed_until;  // as in DestinationView
  std::string slowed_words;
};

// What is known of the TLS of a domain's hosts, for mail that wishes nothing of its own.
struct TlsView {
  struct Address {
    IpAddress address;
    std::optional<policy::TlsRemembered> remembered;  // under the demand as it is now
    std::string next;  // what the next call offers: "modern", "plaintext", "nothing"
  };
  struct Host {
    MxName name;
    std::uint16_t port = 0;
    bool judged = false;  // else the rest is not known yet
    policy::TlsPolicy policy;
    policy::TlsEvidence evidence;
    policy::TlsDemand demand;
    policy::TlsFailure barred = policy::TlsFailure::kNone;
    bool shown_verified = false;  // the strip guard watches it
    std::vector<Address> addresses;
    std::string words;  // why there are no addresses
  };
  bool known = false;  // false: DNS has to be asked first
  Instant expires;
  std::string verdict;  // why the domain has no mail hosts, or why they cannot be used
  std::optional<policy::StsPolicy> sts;
  std::vector<Host> hosts;
};

}  // namespace posthaste::delivery
