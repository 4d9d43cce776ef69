// Options: what the operator decides about delivery, as the engine needs it.
//
// Does not     read a configuration: see daemon/wiring.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "lib/base/ip.h"
#include "lib/base/names.h"
#include "lib/base/time.h"
#include "lib/policy/reply_rules.h"
#include "lib/policy/retry_policy.h"
#include "lib/policy/tls_policies.h"
#include "lib/smtp/client_session.h"

namespace posthaste::delivery {

// Events per time: `count` per `per`; count 0 is unlimited.
struct Rate {
  std::uint32_t count = 0;
  Duration per = std::chrono::seconds(1);
  friend bool operator==(const Rate&, const Rate&) = default;
};

struct Limits {
  std::uint32_t connections = 20;  // open or opening, per destination
  std::uint32_t messages_per_connection = 1000;
  std::uint32_t recipients_per_message = 100;  // per transaction
  Rate message_rate;                           // transactions begun
  Rate connection_rate;                        // connections begun
  friend bool operator==(const Limits&, const Limits&) = default;
};
struct LimitsRule {
  std::vector<policy::DomainPattern> match;
  std::optional<std::uint32_t> connections, messages_per_connection, recipients_per_message;
  std::optional<Rate> message_rate, connection_rate;
};
// What the hosts of one site get of one worker, whatever the number of their domains; beside the
// limits of each domain. 0: no limit but those.
struct SiteLimits {
  std::uint32_t connections = 0;
  Rate message_rate;
  Rate connection_rate;
  friend bool operator==(const SiteLimits&, const SiteLimits&) = default;
};
// A fixed route in place of MX: hosts in order of preference. The operator names them himself, so
// their addresses may be special-purpose ones.
struct RouteRule {
  std::vector<policy::DomainPattern> match;
  struct Host {
    MxName name;             // or an address literal without brackets
    std::uint16_t port = 0;  // 0: Options::port
  };
  std::vector<Host> hosts;
};

struct Options {
  HeloName helo;  // also: our own name in a set of MX hosts cuts off it and what is not better
  std::uint16_t port = 25;
  std::vector<Network> allow_networks;  // special-purpose networks that DNS may lead mail to
  Limits limits;
  std::vector<LimitsRule> limit_rules;  // in order, field by field
  // None by default: a provider that serves ten thousand domains bears more than twenty
  // connections, and says so when it is enough (see Window).
  SiteLimits site_limits;
  std::vector<RouteRule> routes;  // first match counts
  smtp::ClientTimeouts timeouts;
  Duration idle = std::chrono::seconds(5);  // a connection without work is kept that long
  std::uint32_t connections_max = 2000;     // of this worker
  std::size_t warm_bytes_max = 128U << 20;  // bodies kept for the first attempt
  std::uint32_t hosts_per_attempt = 5;      // addresses tried before an attempt counts as failed
  policy::TlsPolicies tls;
  // What the rungs of ladders are: at least every one that `tls` names.
  std::vector<policy::TlsProfile> profiles = policy::built_in_profiles();
  policy::RetryPolicies retry;
  // Never null.
  std::shared_ptr<const policy::ReplyRules> replies = std::make_shared<policy::ReplyRules>();
};

}  // namespace posthaste::delivery
