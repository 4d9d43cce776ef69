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
  if (code < 400 || code >= 500) return RetryClass::kOther;
  if (code == 421) return RetryClass::kThrottled;
  if (subject == 7 && detail == 28)
    return RetryClass::kThrottled;  // "unusual rate", as large receivers use it
  if (subject == 7 && detail == 1) return RetryClass::kGreylist;
  if (code == 450 && subject == 2 && detail == 0) return RetryClass::kGreylist;
  if (subject == 2 || code == 452) return RetryClass::kMailbox;
  return RetryClass::kOther;
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
