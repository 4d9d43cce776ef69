// What DNS and a policy host answered, as the MTA-STS cache hears of it.
//
// Threads      pure functions.
// Does not     ask. See sts_driver.h, tool/probe_search.h.
#pragma once

#include "lib/base/names.h"
#include "lib/dns/answer.h"
#include "lib/https/client.h"
#include "lib/policy/mta_sts_cache.h"

namespace posthaste::daemon {

policy::sts::TxtAnswered txt_answered(const RoutingDomain& domain, const dns::Answer& answer);
// What it says of a domain that its policy could not be fetched.
policy::sts::Problem problem_of(https::Failure::Kind kind);
policy::sts::Event fetched(const RoutingDomain& domain, https::Outcome outcome);

}  // namespace posthaste::daemon
