#include "lib/delivery/settings.h"

#include <algorithm>

#include "lib/policy/domain_pattern.h"

namespace posthaste::delivery {
namespace {

template <typename T>
void overlay(T& field, const std::optional<T>& value) {
  if (value) field = *value;
}

Limits limits_for(const Options& options, const RoutingDomain& domain) {
  Limits limits = options.limits;
  for (const LimitsRule& rule : options.limit_rules) {
    if (!policy::matches_any(rule.match, domain.text())) continue;
    overlay(limits.connections, rule.connections);
    overlay(limits.messages_per_connection, rule.messages_per_connection);
    overlay(limits.recipients_per_message, rule.recipients_per_message);
    overlay(limits.message_rate, rule.message_rate);
    overlay(limits.connection_rate, rule.connection_rate);
  }
  // A limit of 0 would hold the mail for ever without a word.
  limits.connections = std::max(limits.connections, 1U);
  limits.messages_per_connection = std::max(limits.messages_per_connection, 1U);
  limits.recipients_per_message = std::max(limits.recipients_per_message, 1U);
  return limits;
}

bool same_hosts(const RouteRule* a, const RouteRule* b) {
  if (a == nullptr || b == nullptr) return a == b;
  return std::equal(
      a->hosts.begin(), a->hosts.end(), b->hosts.begin(), b->hosts.end(),
      [](const auto& x, const auto& y) { return x.name == y.name && x.port == y.port; });
}

bool same_networks(const std::vector<Network>& a, const std::vector<Network>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Network& x, const Network& y) {
    return x.base == y.base && x.prefix_bits == y.prefix_bits;
  });
}

}  // namespace

bool same_time_limits(const Settings& a, const Settings& b) {
  return a.expire_after == b.expire_after && a.delay_notice_after == b.delay_notice_after;
}

Settings settings_for(const Options& options, const RoutingDomain& domain) {
  Settings settings;
  settings.limits = limits_for(options, domain);
  for (std::size_t i = 0; i < policy::kRetryClasses; ++i) {
    const auto policy = options.retry.policy_for(domain, static_cast<policy::RetryClass>(i));
    settings.expire_after[i] = policy.expire_after;
    settings.delay_notice_after[i] =
        policy.delay_notice_after > Duration::zero() ? policy.delay_notice_after : Duration::max();
  }
  return settings;
}

const RouteRule* route_for(const Options& options, const RoutingDomain& domain) {
  for (const RouteRule& rule : options.routes) {
    if (policy::matches_any(rule.match, domain.text())) return &rule;
  }
  return nullptr;
}

bool route_differs(const Options& before, const Options& after, const RoutingDomain& domain) {
  return before.helo != after.helo || before.port != after.port ||
         !same_networks(before.allow_networks, after.allow_networks) ||
         !same_hosts(route_for(before, domain), route_for(after, domain)) ||
         before.tls != after.tls || before.profiles != after.profiles;
}

}  // namespace posthaste::delivery
