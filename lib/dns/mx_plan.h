// MxPlan: the hosts that mail for a domain goes to, in the order in which they are tried; or why
// there are none.
//
// Limits       kMxHostsMax hosts; the worse ones are left out.
// Implements   RFC 5321 §5.1, RFC 7505.
// Does not     look up addresses, or judge them. See lib/delivery.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/base/names.h"
#include "lib/base/rng.h"
#include "lib/dns/answer.h"

namespace posthaste::dns {

inline constexpr std::size_t kMxHostsMax = 64;

struct MxPlan {
  enum class Kind : std::uint8_t {
    kHosts,      // try `hosts`
    kNullMx,     // permanent: the domain takes no mail (RFC 7505)
    kLoop,       // permanent: we are its best mail host ourselves
    kNoDomain,   // permanent: no such domain, or no MX that could be a host
    kTemporary,  // DNS did not say; ask again later
  };
  // The status of RFC 3463 for the bounce or deferral: {5, 1, 10}. All 0 for kHosts.
  struct Status {
    std::uint8_t cls = 0;
    std::uint16_t subject = 0;
    std::uint16_t detail = 0;
    friend bool operator==(const Status&, const Status&) = default;
  };

  Kind kind = Kind::kTemporary;
  std::vector<MxName> hosts;  // not empty for kHosts, and empty for all others
  Status status;
  std::string words;  // for people; for kHosts empty, or what was left out and why
};

// Makes the plan from the answer to `domain`'s MX question. Hosts of equal preference come in
// random order; NODATA means that the domain itself is its only host. `own`: our name; it and what
// is not better is left out.
MxPlan plan_mx(const RoutingDomain& domain, const Answer& answer, const HeloName& own, Rng& rng);

}  // namespace posthaste::dns
