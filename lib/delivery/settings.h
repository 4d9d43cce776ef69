// Settings: what the options come to for one destination.
#pragma once

#include <array>

#include "lib/base/names.h"
#include "lib/delivery/options.h"
#include "lib/policy/retry_policy.h"

namespace posthaste::delivery {

struct Settings {
  Limits limits;
  std::array<Duration, policy::kRetryClasses> expire_after{};  // by RetryClass
  // Likewise; the longest there is where nobody is told.
  std::array<Duration, policy::kRetryClasses> delay_notice_after{};
};

bool same_time_limits(const Settings& a, const Settings& b);

Settings settings_for(const Options& options, const RoutingDomain& domain);

// The fixed route of a domain; null: it goes by MX.
const RouteRule* route_for(const Options& options, const RoutingDomain& domain);

// True where a plan or connection made under `before` must not be used under `after`. A change of
// any TLS rule is one for all: which hosts' rules matter is known only with a plan.
bool route_differs(const Options& before, const Options& after, const RoutingDomain& domain);

}  // namespace posthaste::delivery
