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
  std::size_t provider = 0;
};

// How it is with a provider just now, as long as there are faults.
enum class Weather : std::uint8_t { kFair, kDown, kDefers };

// Who runs hosts, and what they bear of us together.
struct Provider {
  Duration greylist{};       // 0: none
  unsigned connections = 0;  // at a time; 0: any number
  unsigned messages = 0;     // a minute; 0: any number
  bool says_421 = false;     // to too many messages; else 451
  Weather weather = Weather::kFair;
  // It changes: what it is when it is not fair, and for how long at most; 0: never.
  Weather foul = Weather::kDown;
  Duration fair_max{}, foul_max{};
};

// What the operator wants of a domain's TLS from then on.
struct TlsVersion {
  Instant from;
  policy::TlsPolicy policy;
};

enum class DomainKind { kMx, kNullMx, kNoDomain };

struct Domain {
  RoutingDomain name;
  DomainKind kind = DomainKind::kMx;
  std::vector<std::size_t> hosts;  // in preference order
  std::vector<TlsVersion> tls;     // never empty
  bool mx_secure = false;
  std::vector<StsVersion> sts;  // never empty
  const policy::TlsPolicy& tls_now() const { return tls.back().policy; }
  bool hopeless() const { return kind != DomainKind::kMx; }
};

struct Scenario {
  std::vector<Provider> providers;
  std::vector<Host> hosts;
  std::vector<Domain> domains;
  delivery::Options options;  // what the checkers hold the engine to
  unsigned messages = 0;
  bool days = false;   // instead of hours
  bool burst = false;  // many messages at once for few
  unsigned workers_max = 1;
  Duration fault_time{};  // then everything is healthy
  double dns_trouble = 0;
  double store_trouble = 0;
  double read_trouble = 0;  // how often a message cannot be read
  unsigned crashes = 0;
  unsigned graceful_restarts = 0;
  unsigned reloads = 0;
  unsigned publications = 0;  // changes of TLSA, keys, MTA-STS
  unsigned steerings = 0;     // by the operator
  Duration clock_step_max{};  // at a restart, ahead or back
  std::vector<policy::TlsRule> rules;

  // No faults any more: certificates and what is published agree.
  void heal(Instant now);
  // All clocks are set.
  void shift(Duration by);
  // By a route, or by what DNS says.
  bool serves(const MxName& host, const Domain& domain) const;
  const Host* host_at(const IpAddress& address) const;
  const Domain* domain_named(const std::string& name) const;
  // The truth; trouble is added by who asks.
  dns::Answer answer(const dns::Question& question, Instant now, Rng& rng) const;
};

Scenario draw_scenario(World& world);
// How long after the end of all faults everything must be settled.
Duration drain_time(const Scenario& scenario);
// What a reload may change.
void draw_limits(Rng& rng, delivery::Options& options);
void draw_retry(World& world, Scenario& scenario);
void draw_tls_rules(Rng& rng, Instant now, Scenario& scenario);
void draw_routes(Rng& rng, Scenario& scenario);

}  // namespace posthaste::sim
