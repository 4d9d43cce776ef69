// tls_result_of: what a domain is told of one connection to one of its hosts, in the words of
// RFC 8460.
//
// Threads      pure functions.
// Implements   RFC 8460 §4.2, §4.3, §4.4; RFC 8461 §5 (what mode `testing` would have refused).
// Does not     count; see tls_reporter.h.
#pragma once

#include <optional>
#include <string>

#include "lib/base/ip.h"
#include "lib/delivery/engine.h"
#include "lib/policy/mta_sts.h"
#include "lib/policy/mta_sts_cache.h"
#include "lib/policy/tls_facts.h"
#include "lib/report/tls_report.h"

namespace posthaste::daemon {

// How it went: `tls` as it came up, or why there is none.
struct TlsOutcome {
  std::optional<policy::TlsFacts> tls;
  policy::TlsFailure failure = policy::TlsFailure::kNone;
  IpAddress from;  // our address
};

// nullopt: nobody is to be told. That is so for mail with TLS-Required: No, whose level nobody
// published (and all reports go that way), where no TLS was wanted, and for faults that RFC 8460
// has no name for. `sts`: the domain's policy, if one is held.
std::optional<report::TlsResult> tls_result_of(const delivery::Connect& call,
                                               const policy::StsPolicy* sts,
                                               const TlsOutcome& outcome);
// A host that was not called, since policy forbids it.
std::optional<report::TlsResult> tls_result_of(const delivery::TlsBarred& barred,
                                               const policy::StsPolicy* sts);
// A policy that could not be had.
report::TlsResult tls_result_of(const RoutingDomain& domain, policy::sts::Problem problem,
                                const policy::StsPolicy* held);

}  // namespace posthaste::daemon
