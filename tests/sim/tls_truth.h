// What the pretend Internet publishes and shows about TLS, and what follows from it: written from
// the RFCs and without a line of lib/policy's judgement, so that the engine is measured by another
// measure than its own.
//
// What is published changes in mid-run. Nobody can know of a change before what he was told has
// lapsed, so a delivery is right if it was right at any time since then.
#pragma once

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "daemon/rehearsal/host.h"
#include "lib/base/names.h"
#include "lib/base/time.h"
#include "lib/dns/answer.h"
#include "lib/mail/envelope.h"
#include "lib/policy/mta_sts.h"
#include "lib/policy/tls_policies.h"

namespace posthaste::sim {

using rehearsal::Certificate;
using rehearsal::Shown;

// A host's zone from then on.
struct Zone {
  Instant from;
  bool secure = false;
  std::string tlsa;  // keys, one 3 1 1 record for each; empty: no TLSA
};
// A domain's MTA-STS policy from then on.
struct StsVersion {
  Instant from;
  std::optional<policy::StsPolicy> policy;
};

// Which of the versions is in force. REQUIRES that the first one begins before.
template <typename Version>
const Version& in_force(const std::vector<Version>& versions, Instant now) {
  const Version* found = &versions.front();
  for (const Version& version : versions) {
    if (version.from <= now) found = &version;
  }
  return *found;
}
// All that were in force at some time since then. REQUIRES as above.
template <typename Version>
std::vector<Version> since(const std::vector<Version>& versions, Instant then) {
  std::vector<Version> found{in_force(versions, then)};
  std::copy_if(versions.begin(), versions.end(), std::back_inserter(found),
               [&](const Version& version) { return version.from > then; });
  return found;
}

// Whether mail with that wish may go to `host` over such a session, when this is published.
bool may_go(const policy::TlsPolicy& policy, const MxName& host, bool mx_secure, const Zone& zone,
            const std::optional<policy::StsPolicy>& sts, mail::TlsWish wish, const Shown& shown);

}  // namespace posthaste::sim
