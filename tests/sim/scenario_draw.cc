// What a seed draws of a Scenario.
#include <algorithm>

#include "lib/base/check.h"
#include "tests/sim/scenario.h"

namespace posthaste::sim {
namespace {

using namespace std::chrono_literals;
using policy::OnTlsFailure;

void draw_tls(Rng& rng, Instant now, Host& host) {
  host.certificate.trusted = rng.chance(0.8);
  host.certificate.names_host = rng.chance(0.8);
  host.only_compat = rng.chance(0.15);
  host.resets_large = !host.only_compat && rng.chance(0.15);
  host.strips = rng.chance(0.7) ? 0 : rng.unit();
  host.tlsa_trouble = rng.chance(0.4) ? 0 : rng.unit();
  Zone zone{now, rng.chance(0.7), {}};
  if (rng.chance(0.7)) zone.tlsa = rng.chance(0.5) ? "x" : (rng.chance(0.5) ? "xy" : "y");
  host.zones.push_back(std::move(zone));
}

std::optional<policy::StsPolicy> draw_sts(Rng& rng, const std::string& own_host) {
  if (rng.chance(0.5)) return std::nullopt;
  policy::StsPolicy sts;
  sts.mode = rng.chance(0.75) ? policy::StsMode::kEnforce : policy::StsMode::kTesting;
  sts.mx = {rng.chance(0.5) ? "*.hosts.example"
                            : (rng.chance(0.5) ? own_host : "mx.elsewhere.example")};
  sts.max_age = 24h;
  return sts;
}

Host draw_host(World& world, std::size_t number) {
  Rng& rng = world.rng();
  Host host;
  host.name = MxName(fmt::format("mx{}.hosts.example", number));
  const auto tail = static_cast<std::uint8_t>(number + 1);
  const std::uint64_t addresses = 1 + rng.below(3);
  for (std::uint8_t i = 0; i < addresses; ++i) {
    host.addresses.push_back(ipv4(11, 0, tail, static_cast<std::uint8_t>(i + 1)));
  }
  if (rng.chance(0.4)) host.addresses.push_back(*parse_ip(fmt::format("2600::{:x}", number + 1)));
  host.pipelining = rng.chance(0.7);
  host.chunking = rng.chance(0.4);
  host.dsn = rng.chance(0.5);
  host.size = rng.chance(0.8);
  host.helo_only = rng.chance(0.05);
  host.starttls = rng.chance(0.75);
  host.answers_data_without_recipients = rng.chance(0.5);
  host.trouble = rng.chance(0.3) ? 0 : rng.unit() * 0.15;
  host.handshake_trouble = rng.chance(0.5) ? 0 : rng.unit();
  host.refuses_calls = rng.chance(0.5) ? 0 : rng.unit();
  if (rng.chance(0.12)) host.refuses_calls = 1;  // down until the faults end
  host.cuts = rng.chance(0.4) ? 0 : rng.unit() * 0.4;
  host.eight_bit = rng.chance(0.85);
  host.utf8 = host.eight_bit && rng.chance(0.5);
  host.requiretls = rng.chance(0.6);
  host.deliver_by = rng.chance(0.5);
  host.mt_priority = rng.chance(0.5);
  draw_tls(rng, world.now(), host);
  return host;
}

OnTlsFailure draw_choice(Rng& rng, bool plaintext) {
  const auto draw = rng.below(4);
  if (draw == 0) return OnTlsFailure::kBounce;
  return plaintext && draw > 1 ? OnTlsFailure::kPlaintext : OnTlsFailure::kDefer;
}

policy::TlsRule draw_tls_rule(Rng& rng, const std::string& domain) {
  policy::TlsRule rule;
  rule.match.push_back({domain});
  rule.origin = "scenario";
  constexpr policy::TlsLevel kLevels[] = {policy::TlsLevel::kNone, policy::TlsLevel::kMay,
                                          policy::TlsLevel::kDane, policy::TlsLevel::kEncrypt,
                                          policy::TlsLevel::kVerify};
  const auto level = kLevels[rng.below(std::size(kLevels))];
  rule.overlay.level = level;
  const bool plaintext = !policy::encrypts(level);
  if (rng.chance(0.5)) {
    rule.overlay.not_offered = draw_choice(rng, plaintext);
    rule.overlay.refused = draw_choice(rng, plaintext);
    rule.overlay.handshake = draw_choice(rng, plaintext);
  }
  if (rng.chance(0.3)) rule.overlay.plaintext_after = std::chrono::seconds(rng.below(1200));
  if (rng.chance(0.2)) rule.overlay.remember = std::chrono::minutes(rng.below(120));
  if (level == policy::TlsLevel::kEncrypt && rng.chance(0.3)) {
    rule.overlay.connect = policy::TlsConnect::kImplicit;
    rule.overlay.port = 465;
  }
  return rule;
}

void draw_domains(World& world, Scenario& scenario) {
  Rng& rng = world.rng();
  const std::uint64_t hosts = 1 + rng.below(5);
  for (std::size_t i = 0; i < hosts; ++i) scenario.hosts.push_back(draw_host(world, i));
  const std::uint64_t domains = 1 + rng.below(5);
  for (std::size_t i = 0; i < domains; ++i) {
    Domain domain;
    domain.name = RoutingDomain(fmt::format("d{}.example", i));
    // The first one is where bounces go.
    if (i > 0 && rng.chance(0.15)) {
      domain.kind = rng.chance(0.5) ? DomainKind::kNullMx : DomainKind::kNoDomain;
    }
    std::vector<std::size_t> order(scenario.hosts.size());
    for (std::size_t n = 0; n < order.size(); ++n) order[n] = n;
    rng.shuffle(order);
    order.resize(1 + rng.below(order.size()));
    domain.hosts = order;
    domain.mx_secure = rng.chance(0.8);
    domain.sts.push_back({world.now(), draw_sts(rng, scenario.hosts[order[0]].name.text())});
    scenario.domains.push_back(std::move(domain));
  }
  draw_tls_rules(rng, world.now(), scenario);
}

void draw_providers(World& world, Scenario& scenario) {
  Rng& rng = world.rng();
  const std::uint64_t count = 1 + rng.below(scenario.hosts.size());
  for (std::uint64_t i = 0; i < count; ++i) {
    Provider provider;
    if (rng.chance(0.25)) provider.greylist = world.draw(10s, 15min);
    if (rng.chance(0.15)) provider.connections = static_cast<unsigned>(1 + rng.below(3));
    if (rng.chance(0.15)) provider.messages = static_cast<unsigned>(1 + rng.below(10));
    provider.says_421 = rng.chance(0.5);
    if (rng.chance(0.3)) {
      provider.foul = rng.chance(0.6) ? Weather::kDown : Weather::kDefers;
      provider.fair_max = world.draw(1min, scenario.days ? 36h : 1h);
      provider.foul_max = world.draw(1min, scenario.days ? 36h : 1h);
    }
    scenario.providers.push_back(provider);
  }
  for (Host& host : scenario.hosts) host.provider = rng.below(count);
}

std::vector<Duration> draw_intervals(World& world, bool days) {
  std::vector<Duration> intervals;
  const std::uint64_t count = 1 + world.rng().below(4);
  Duration interval = days ? world.draw(1min, 20min) : world.draw(5s, 2min);
  for (std::uint64_t i = 0; i < count; ++i, interval *= 3) intervals.push_back(interval);
  return intervals;
}

void draw_options(World& world, Scenario& scenario) {
  Rng& rng = world.rng();
  delivery::Options& options = scenario.options;
  options.helo = HeloName("mta.ours.example");
  draw_limits(rng, options);
  options.connections_max = static_cast<std::uint32_t>(rng.chance(0.3) ? 1 + rng.below(4) : 100);
  options.warm_bytes_max = rng.chance(0.3) ? rng.below(5000) : 1U << 20;
  draw_retry(world, scenario);
}

// Many messages at once for one domain that bears few of them at a time, so that there is an order
// in which they go.
void draw_burst(Rng& rng, Scenario& scenario) {
  scenario.burst = true;
  scenario.messages = static_cast<unsigned>(25 + rng.below(20));
  scenario.domains.resize(1);
  scenario.options.limits.connections = 1;
  scenario.options.limits.messages_per_connection = 100;
  scenario.options.limits.message_rate = scenario.options.limits.connection_rate = {};
}

// The same for hosts that are down at first, and bear many of them when they come back.
void draw_outage(World& world, Scenario& scenario) {
  Rng& rng = world.rng();
  draw_burst(rng, scenario);
  scenario.options.limits.connections = static_cast<std::uint32_t>(3 + rng.below(10));
  scenario.options.limits.messages_per_connection = static_cast<std::uint32_t>(1 + rng.below(5));
  for (Provider& provider : scenario.providers) {
    provider.weather = provider.foul = Weather::kDown;
    provider.foul_max = world.draw(1min, 20min);
    provider.fair_max = world.draw(20min, 4h);
  }
  for (Host& host : scenario.hosts) {
    if (host.refuses_calls > 0.5) host.refuses_calls = 0;
  }
}

}  // namespace

// The longest wait there is, once for the destination and once for the message, and the longest
// conversation that a fault may have left hanging; more where a rate holds the mail back, or a
// clock that was ahead has made waits long.
Duration drain_time(const Scenario& scenario) {
  const auto& retry = scenario.options.retry;
  Duration longest = retry.defaults.intervals.back();
  for (const auto& overlay : retry.classes) {
    if (overlay.intervals) longest = std::max(longest, overlay.intervals->back());
  }
  for (const auto& rule : retry.rules) {
    if (rule.overlay.intervals) longest = std::max(longest, rule.overlay.intervals->back());
  }
  Duration time = 4 * longest + 3h;
  if (scenario.options.limits.message_rate.count != 0) time += 2h;
  return time + scenario.clock_step_max * (scenario.crashes + scenario.graceful_restarts);
}

void draw_limits(Rng& rng, delivery::Options& options) {
  options.limits.connections = static_cast<std::uint32_t>(1 + rng.below(4));
  options.limits.messages_per_connection = static_cast<std::uint32_t>(1 + rng.below(5));
  options.limits.recipients_per_message = static_cast<std::uint32_t>(1 + rng.below(4));
  options.limits.message_rate = options.limits.connection_rate = {};
  if (rng.chance(0.15))
    options.limits.message_rate = {static_cast<std::uint32_t>(1 + rng.below(5)), 10s};
  if (rng.chance(0.15)) {
    options.limits.connection_rate = {static_cast<std::uint32_t>(1 + rng.below(5)), 10s};
  }
  options.idle = std::chrono::seconds(1 + rng.below(30));
  options.hosts_per_attempt = static_cast<std::uint32_t>(1 + rng.below(6));
}

void draw_retry(World& world, Scenario& scenario) {
  Rng& rng = world.rng();
  policy::RetryPolicies retry;
  const bool days = scenario.days;
  retry.defaults.intervals = draw_intervals(world, days);
  retry.defaults.jitter = rng.unit() * 0.3;
  const auto draw_expiry = [&] {
    if (days) return world.draw(6h, 6 * 24h);
    return rng.chance(0.5) ? world.draw(3min, 1h) : world.draw(1h, 24h);
  };
  const auto draw_notice = [&] {
    if (rng.chance(0.3)) return Duration(0);
    return days ? world.draw(10min, 24h) : world.draw(1min, 2h);
  };
  retry.defaults.expire_after = draw_expiry();
  retry.defaults.delay_notice_after = draw_notice();
  for (const auto one : {policy::RetryClass::kGreylist, policy::RetryClass::kThrottled}) {
    if (!rng.chance(0.4)) continue;
    retry.classes[static_cast<std::size_t>(one)].intervals = draw_intervals(world, days);
  }
  if (rng.chance(0.3)) {
    policy::RetryOverlay overlay;
    if (rng.chance(0.5)) overlay.intervals = draw_intervals(world, days);
    if (rng.chance(0.5)) overlay.expire_after = draw_expiry();
    if (rng.chance(0.5)) overlay.delay_notice_after = draw_notice();
    const Domain& domain = scenario.domains[rng.below(scenario.domains.size())];
    retry.rules.push_back({{{domain.name.text()}}, std::move(overlay)});
  }
  scenario.options.retry = std::move(retry);
}

void draw_tls_rules(Rng& rng, Instant now, Scenario& scenario) {
  scenario.rules.clear();
  for (const Domain& domain : scenario.domains) {
    if (rng.chance(0.8)) scenario.rules.push_back(draw_tls_rule(rng, domain.name.text()));
  }
  auto made = policy::TlsPolicies::make({}, "built-in", scenario.rules);
  CHECK(made.has_value());
  scenario.options.tls = *std::move(made);
  for (Domain& domain : scenario.domains) {
    domain.tls.push_back({now, scenario.options.tls.policy_for(domain.name)});
  }
}

// For domains whose policy asks nothing of DNS: what a route means to DANE and MTA-STS is for unit
// tests.
void draw_routes(Rng& rng, Scenario& scenario) {
  scenario.options.routes.clear();
  for (const Domain& domain : scenario.domains) {
    if (domain.tls_now().level != policy::TlsLevel::kNone || rng.chance(0.3)) continue;
    delivery::RouteRule rule;
    rule.match.push_back({domain.name.text()});
    const Host& host = scenario.hosts[rng.below(scenario.hosts.size())];
    rule.hosts.push_back({host.name, 0});
    scenario.options.routes.push_back(std::move(rule));
  }
}

Scenario draw_scenario(World& world) {
  Rng& rng = world.rng();
  Scenario scenario;
  scenario.days = rng.chance(0.15);
  draw_domains(world, scenario);
  draw_providers(world, scenario);
  draw_options(world, scenario);
  scenario.messages = static_cast<unsigned>(1 + rng.below(15));
  if (!scenario.days && rng.chance(0.05)) {
    draw_burst(rng, scenario);
  } else if (!scenario.days && rng.chance(0.04)) {
    draw_outage(world, scenario);
  }
  scenario.workers_max = static_cast<unsigned>(rng.chance(0.6) ? 1 : 2 + rng.below(3));
  scenario.fault_time = scenario.days ? world.draw(24h, 8 * 24h) : world.draw(5min, 4h);
  scenario.dns_trouble = rng.chance(0.5) ? 0 : rng.unit() * 0.5;
  scenario.store_trouble = rng.chance(0.7) ? 0 : rng.unit();
  scenario.read_trouble = rng.chance(0.85) ? 0 : rng.unit() * 0.5;
  scenario.crashes = static_cast<unsigned>(rng.chance(0.5) ? 0 : 1 + rng.below(3));
  scenario.graceful_restarts = rng.chance(0.2) ? 1 : 0;
  scenario.reloads = static_cast<unsigned>(rng.chance(0.8) ? 0 : 1 + rng.below(2));
  scenario.publications = static_cast<unsigned>(rng.chance(0.5) ? 0 : 1 + rng.below(6));
  scenario.steerings = static_cast<unsigned>(rng.chance(0.6) ? 0 : 1 + rng.below(8));
  if (rng.chance(0.15)) scenario.clock_step_max = scenario.days ? 12h : 1h;
  return scenario;
}

}  // namespace posthaste::sim
