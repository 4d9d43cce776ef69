// RoutePlan: the hosts of one destination in the order in which they are tried, each with its
// addresses once they are known; or the one verdict that spares us the trying.
//
// Lifetime     until the shortest-lived answer in it expires; then it is made anew.
// Limits       kAddressesMax addresses of one host; the rest are left out.
// Implements   RFC 5321 §5.1; the address order of RFC 8305 §4 (families in turn, IPv6 first; no
//              racing).
// Does not     ask DNS, judge what it says of TLS, connect, or remember which host was down.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "lib/base/ip.h"
#include "lib/base/names.h"
#include "lib/base/rng.h"
#include "lib/delivery/host_tls.h"
#include "lib/delivery/options.h"
#include "lib/delivery/trouble.h"
#include "lib/dns/answer.h"

namespace posthaste::delivery {

inline constexpr std::size_t kAddressesMax = 16;
// A plan serves at least that long, whatever the TTL, so that what it found can be used at all.
inline constexpr Duration kPlanAtLeast = std::chrono::seconds(5);

// One address of one host.
struct Candidate {
  MxName host;
  Endpoint endpoint;
};
// "mx1.example.com[192.0.2.1]:25"
std::string render_candidate(const Candidate& candidate);

// A place in a plan.
struct PlanCursor {
  std::size_t host = 0;
  std::size_t address = 0;
};

class RoutePlan {
 public:
  struct Host {
    MxName name;
    std::uint16_t port = 0;
    bool trusted = false;  // the operator's own words: may be a special-purpose address
    bool known = false;    // the addresses are
    std::vector<IpAddress> addresses;
    std::optional<Trouble> trouble;      // why there are none
    std::shared_ptr<const HostTls> tls;  // null: not judged yet
    // All that is needed to call it, or to know that there is nobody to call.
    bool ready() const { return known && (tls != nullptr || addresses.empty()); }
  };

  static RoutePlan of_route(const RouteRule& rule, const Options& options,
                            const RoutingDomain& domain);
  static RoutePlan of_literal(const RoutingDomain& literal, const Options& options);
  // REQUIRES plan.kind != kTemporary.
  static RoutePlan of_mx(const dns::MxPlan& plan, Instant expires, const Options& options,
                         const RoutingDomain& domain);

  // Both answers about a host that has none of its addresses yet.
  void set_addresses(std::size_t host, const dns::Answer& a, const dns::Answer& aaaa,
                     const std::vector<Network>& allowed);
  void set_tls(std::size_t host, std::shared_ptr<const HostTls> tls);
  void shorten(Instant expires) { expires_ = std::min(expires_, expires); }

  const std::vector<Host>& hosts() const { return hosts_; }
  Instant expires() const { return expires_; }
  const std::optional<Trouble>& verdict() const { return verdict_; }
  void set_verdict(Trouble trouble) { verdict_ = std::move(trouble); }

  PlanCursor resume;  // where the next walk begins, after one that ran into its limit

 private:
  std::vector<Host> hosts_;
  std::optional<Trouble> verdict_;
  Instant expires_ = kNever;
};

}  // namespace posthaste::delivery
