// HostTls: what policy and evidence come to for one host of a route plan: which profiles it is
// offered, what it has to show, or why it must not be used.
//
// Lifetime     its plan's, and that of the connections made by it. Immutable once made.
// Implements   the choice that RFC 7672 §2.2, RFC 8461 §5 and RFC 8689 §4.2 leave to the client.
// Does not     look anything up, connect, remember. See lib/policy/tls_demand.h for the judgement.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "lib/delivery/options.h"
#include "lib/dns/dane.h"
#include "lib/mail/envelope.h"
#include "lib/policy/mta_sts.h"
#include "lib/policy/tls_demand.h"
#include "lib/policy/tls_ladder.h"
#include "lib/policy/tls_memory.h"

namespace posthaste::delivery {

struct HostTls {
  policy::TlsPolicy policy;  // the operator's, for that domain and host
  policy::Ladder ladder;     // never empty
  policy::TlsEvidence evidence;
  std::shared_ptr<const policy::TlsDemand> demand;
  std::string key;          // of the demand: what connections are told apart by
  std::string fingerprint;  // of demand and ladder: what memory is told apart by
  policy::TlsFailure barred = policy::TlsFailure::kNone;
  bool sts_testing = false;  // MTA-STS in mode `testing` would have asked for more

  policy::TlsMemoryKey memory_key(const Endpoint& endpoint) const {
    return {endpoint, fingerprint};
  }
};

policy::TlsPolicy tls_policy_for(const Options& options, const RoutingDomain& domain,
                                 const MxName& host);

// True where TLSA records could raise what is asked of the host.
bool heeds_dane(const policy::TlsPolicy& policy, mail::TlsWish wish);
bool heeds_sts(const policy::TlsPolicy& policy, mail::TlsWish wish);
// The same as long as the hosts are not known, whose rules may say otherwise than the domain's.
bool may_heed_sts(const Options& options, const RoutingDomain& domain, mail::TlsWish wish);

void add_dane(policy::TlsEvidence& evidence, const dns::DanePlan& plan);
void add_sts(policy::TlsEvidence& evidence, const policy::StsPolicy& sts, const MxName& host);

std::shared_ptr<const HostTls> judge_host(const Options& options, const RoutingDomain& domain,
                                          const MxName& host, policy::TlsEvidence evidence,
                                          mail::TlsWish wish);

}  // namespace posthaste::delivery
