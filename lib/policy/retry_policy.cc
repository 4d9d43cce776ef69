#include "lib/policy/retry_policy.h"

#include <algorithm>

#include "lib/base/check.h"

namespace posthaste::policy {
namespace {

constexpr std::array<std::string_view, kRetryClasses> kNames{
    "connect", "dns", "tls", "greylist", "throttled", "mailbox", "policy", "other"};

void lay_over(RetryPolicy& policy, const RetryOverlay& overlay) {
  if (overlay.intervals) policy.intervals = *overlay.intervals;
  if (overlay.jitter) policy.jitter = *overlay.jitter;
  if (overlay.expire_after) policy.expire_after = *overlay.expire_after;
  if (overlay.delay_notice_after) policy.delay_notice_after = *overlay.delay_notice_after;
}

// RFC 3463 §3.2: of the details only these are about the mailbox, the others about the domain, or
// about the sender.
RetryClass of_address(int detail) {
  constexpr int kBadMailbox = 1;
  constexpr int kMoved = 6;
  return detail == kBadMailbox || detail == kMoved ? RetryClass::kMailbox : RetryClass::kOther;
}

// RFC 3463 §3.5
RetryClass of_network(int detail) {
  switch (detail) {
    case 1:
    case 2: return RetryClass::kConnect;    // no answer from a host, bad connection
    case 5: return RetryClass::kThrottled;  // congestion
    default: return RetryClass::kOther;
  }
}

// RFC 3463 §3.8, and what IANA's registry has added to it.
RetryClass of_security(int code, int detail) {
  switch (detail) {
    case 1: return code < 500 && code != 454 ? RetryClass::kGreylist : RetryClass::kPolicy;
    case 10:                                 // encryption needed
    case 11:                                 // encryption required for an authentication mechanism
    case 30: return RetryClass::kTls;        // REQUIRETLS is not supported
    case 28: return RetryClass::kThrottled;  // mail flood; large receivers: "unusual rate"
    default: return RetryClass::kPolicy;
  }
}

}  // namespace

std::string_view name(RetryClass retry_class) {
  const auto index = static_cast<std::size_t>(retry_class);
  CHECK(index < kNames.size());
  return kNames[index];
}

std::optional<RetryClass> parse_retry_class(std::string_view text) {
  const auto* const found = std::find(kNames.begin(), kNames.end(), text);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<RetryClass>(found - kNames.begin());
}

RetryClass classify_reply(int code, int subject, int detail) {
  if (code < 400 || code >= 600) return RetryClass::kOther;
  if (code == 421 && subject != 3 && subject != 4) return RetryClass::kThrottled;
  switch (subject) {
    case 0: return code == 452 ? RetryClass::kMailbox : RetryClass::kOther;
    case 1: return of_address(detail);
    case 2: return code == 450 && detail == 0 ? RetryClass::kGreylist : RetryClass::kMailbox;
    case 3: return detail == 2 ? RetryClass::kConnect : RetryClass::kOther;  // not in service
    case 4: return of_network(detail);
    case 7: return of_security(code, detail);
    default: return RetryClass::kOther;  // protocol, content, and what is not assigned
  }
}

RetryPolicy RetryPolicies::policy_for(const RoutingDomain& domain, RetryClass retry_class) const {
  const auto index = static_cast<std::size_t>(retry_class);
  CHECK(index < classes.size());
  RetryPolicy policy = defaults;
  lay_over(policy, classes[index]);
  for (const Rule& rule : rules) {
    if (!matches_any(rule.match, domain.text())) continue;
    lay_over(policy, rule.overlay);
    lay_over(policy, rule.classes[index]);
  }
  return policy;
}

Instant next_due(const RetryPolicy& policy, std::uint32_t attempts, Instant now, Rng& rng) {
  CHECK(!policy.intervals.empty());
  const std::size_t failed_before = attempts == 0 ? 0 : attempts - 1;
  const Duration interval = policy.intervals[std::min(failed_before, policy.intervals.size() - 1)];
  const double factor = 1.0 + policy.jitter * (2.0 * rng.unit() - 1.0);
  const double drawn = static_cast<double>(interval.count()) * factor;
  constexpr double kCountMax = 9e18;  // a double that still fits Duration::rep
  const Duration wait(static_cast<Duration::rep>(std::clamp(drawn, 0.0, kCountMax)));
  return add_saturated(now, wait);
}

}  // namespace posthaste::policy
