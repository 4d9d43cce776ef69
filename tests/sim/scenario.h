// Scenario: what one seed makes of the pretend Internet and of our own configuration.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "daemon/rehearsal/world.h"
#include "lib/delivery/options.h"
#include "lib/dns/answer.h"
#include "tests/sim/tls_truth.h"

namespace posthaste::sim {

using rehearsal::World;

// One mail host, with all its addresses, and what the dice may make of it.
struct Host : rehearsal::Host {
  bool helo_only = false;  // knows no EHLO
  // TLS, as long as there are faults:
  Certificate certificate;
  bool only_compat = false;   // alert 40 to who offers less
  bool resets_large = false;  // to who offers TLS 1.3
  double strips = 0;          // somebody in between takes STARTTLS away, per connection
  double tlsa_trouble = 0;
  std::vector<Zone> zones;  // never empty
  double trouble = 0;       // how often a reply is another than it should be
  double handshake_trouble = 0;
  double refuses_calls = 0;  // per address and call
  double cuts = 0;           // how often a connection breaks somewhere
};

enum class DomainKind { kMx, kNullMx, kNoDomain };

struct Domain {
  RoutingDomain name;
  DomainKind kind = DomainKind::kMx;
  std::vector<std::size_t> hosts;  // in preference order
  policy::TlsPolicy tls;
  bool mx_secure = false;
  std::vector<StsVersion> sts;  // never empty
  bool hopeless() const { return kind != DomainKind::kMx; }
};

struct Scenario {
  std::vector<Host> hosts;
  std::vector<Domain> domains;
  delivery::Options options;  // what the checkers hold the engine to
  unsigned messages = 0;
  unsigned workers_max = 1;  // each process has its own number
  Duration fault_time{};     // then everything is healthy
  Duration drain_time{};     // then everything must be settled
  double dns_trouble = 0;
  double store_trouble = 0;
  unsigned crashes = 0;
  unsigned graceful_restarts = 0;
  unsigned reloads = 0;
  unsigned publications = 0;  // changes of TLSA, keys, MTA-STS
  std::vector<policy::TlsRule> rules;

  // No faults any more: certificates and what is published agree.
  void heal(Instant now);
  const Host* host_at(const IpAddress& address) const;
  const Domain* domain_named(const std::string& name) const;
  // The truth; trouble is added by who asks.
  dns::Answer answer(const dns::Question& question, Instant now, Rng& rng) const;
};

Scenario draw_scenario(World& world);

}  // namespace posthaste::sim
