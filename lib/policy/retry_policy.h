// RetryPolicies: when a deferred recipient is tried again, and when we give up.
//
// Does not     keep a schedule, count attempts. See lib/delivery/engine.h.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "lib/base/names.h"
#include "lib/base/rng.h"
#include "lib/base/time.h"
#include "lib/policy/domain_pattern.h"

namespace posthaste::policy {

// Why a recipient waits. `policy` is ours (a TLS level that nobody offers is `tls`), `other` is
// every 4xx that nothing better is known of.
enum class RetryClass : std::uint8_t {
  kConnect,
  kDns,
  kTls,
  kGreylist,
  kThrottled,
  kMailbox,
  kPolicy,
  kOther
};
inline constexpr std::size_t kRetryClasses = 8;
std::string_view name(RetryClass retry_class);  // "connect", …
std::optional<RetryClass> parse_retry_class(std::string_view text);

// By code and enhanced code alone, for replies of which no rule knows more (reply_rules.h): what
// the subject of an enhanced code is about (RFC 3463 §3), where it has one; 421 is throttling
// unless it speaks of the system or the network; 4.7.1, and 450 4.2.0, read as greylisting; 452
// alone is a full mailbox.
RetryClass classify_reply(int code, int subject, int detail);

struct RetryPolicy {
  std::vector<Duration> intervals{std::chrono::minutes(1),  std::chrono::minutes(5),
                                  std::chrono::minutes(15), std::chrono::minutes(30),
                                  std::chrono::hours(1),    std::chrono::hours(2),
                                  std::chrono::hours(4)};  // never empty; the last one repeats
  // Each wait is drawn from [1 - jitter, 1 + jitter] times the interval; 0..0.5.
  double jitter = 0.1;
  Duration expire_after = std::chrono::hours(120);  // after arrival
  // After arrival: the sender of mail that still waits is told (once). 0: never.
  Duration delay_notice_after = std::chrono::hours(4);
  friend bool operator==(const RetryPolicy&, const RetryPolicy&) = default;
};

// A rule's body: only the fields that it sets.
struct RetryOverlay {
  std::optional<std::vector<Duration>> intervals = std::nullopt;
  std::optional<double> jitter = std::nullopt;
  std::optional<Duration> expire_after = std::nullopt;
  std::optional<Duration> delay_notice_after = std::nullopt;
  bool empty() const { return !intervals && !jitter && !expire_after && !delay_notice_after; }
};
// One for each class, by its place in the enum.
using RetryOverlays = std::array<RetryOverlay, kRetryClasses>;

class RetryPolicies {
 public:
  RetryPolicy defaults;
  RetryOverlays classes;
  struct Rule {
    std::vector<DomainPattern> match;
    RetryOverlay overlay;
    RetryOverlays classes = {};
  };
  // Default < class < the matching rules in order, each of them its overlay < that of its class;
  // field by field.
  std::vector<Rule> rules;

  RetryPolicy policy_for(const RoutingDomain& domain, RetryClass retry_class) const;
};

// When attempt number `attempts` (1 = the first one) has just failed at `now`: the next due time.
// Never before `now`. REQUIRES policy.intervals not empty.
Instant next_due(const RetryPolicy& policy, std::uint32_t attempts, Instant now, Rng& rng);

}  // namespace posthaste::policy
