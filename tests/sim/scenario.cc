#include "tests/sim/scenario.h"

#include <algorithm>

#include "lib/base/check.h"

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
  std::vector<policy::TlsRule> rules;
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
    if (rng.chance(0.8)) rules.push_back(draw_tls_rule(rng, domain.name.text()));
    scenario.domains.push_back(std::move(domain));
  }
  auto made = policy::TlsPolicies::make({}, "built-in", rules);
  CHECK(made.has_value());
  scenario.rules = rules;
  scenario.options.tls = *std::move(made);
  for (Domain& domain : scenario.domains) domain.tls = scenario.options.tls.policy_for(domain.name);
}

void draw_options(World& world, delivery::Options& options) {
  Rng& rng = world.rng();
  options.helo = HeloName("mta.ours.example");
  options.limits.connections = static_cast<std::uint32_t>(1 + rng.below(4));
  options.limits.messages_per_connection = static_cast<std::uint32_t>(1 + rng.below(5));
  options.limits.recipients_per_message = static_cast<std::uint32_t>(1 + rng.below(4));
  if (rng.chance(0.15))
    options.limits.message_rate = {static_cast<std::uint32_t>(1 + rng.below(5)), 10s};
  if (rng.chance(0.15)) {
    options.limits.connection_rate = {static_cast<std::uint32_t>(1 + rng.below(5)), 10s};
  }
  options.idle = world.draw(1s, 30s);
  options.connections_max = static_cast<std::uint32_t>(rng.chance(0.3) ? 1 + rng.below(4) : 100);
  options.warm_bytes_max = rng.chance(0.3) ? rng.below(5000) : 1U << 20;
  options.hosts_per_attempt = static_cast<std::uint32_t>(1 + rng.below(6));
  auto& retry = options.retry.defaults;
  retry.intervals.clear();
  const std::uint64_t intervals = 1 + rng.below(4);
  Duration interval = world.draw(5s, 2min);
  for (std::uint64_t i = 0; i < intervals; ++i, interval *= 3) retry.intervals.push_back(interval);
  retry.jitter = rng.unit() * 0.3;
  retry.expire_after = rng.chance(0.5) ? world.draw(3min, 1h) : world.draw(1h, 24h);
}

}  // namespace

void Scenario::heal(Instant now) {
  for (Host& host : hosts) {
    host.certificate.trusted = host.certificate.names_host = true;
    Zone zone = in_force(host.zones, now);
    zone.from = now;
    if (!zone.tlsa.empty()) zone.tlsa = host.certificate.key;
    host.zones.push_back(std::move(zone));
  }
  for (Domain& domain : domains) {
    auto sts = in_force(domain.sts, now).policy;
    if (!sts) continue;
    sts->mx = {"*.hosts.example"};
    domain.sts.push_back({now, std::move(sts)});
  }
}

const Host* Scenario::host_at(const IpAddress& address) const {
  for (const Host& host : hosts) {
    for (const IpAddress& own : host.addresses) {
      if (own == address) return &host;
    }
  }
  return nullptr;
}

const Domain* Scenario::domain_named(const std::string& name) const {
  for (const Domain& domain : domains) {
    if (domain.name.text() == name) return &domain;
  }
  return nullptr;
}

dns::Answer Scenario::answer(const dns::Question& question, Instant now, Rng& rng) const {
  dns::Answer answer;
  answer.status = dns::AnswerStatus::kNxDomain;
  answer.words = "NXDOMAIN for " + question.name;
  answer.expires = now + std::chrono::seconds(5 + rng.below(1200));
  if (const Domain* domain = domain_named(question.name);
      domain && question.type == dns::RecordType::kMx) {
    answer.authentic = domain->mx_secure;
    if (domain->kind == DomainKind::kNoDomain) return answer;
    answer.status = dns::AnswerStatus::kOk;
    if (domain->kind == DomainKind::kNullMx) answer.mx.push_back({0, MxName()});
    if (domain->kind != DomainKind::kMx) return answer;
    for (const std::size_t host : domain->hosts) {
      answer.mx.push_back(
          {static_cast<std::uint16_t>(10 * (answer.mx.size() / 2)), hosts[host].name});
    }
    return answer;
  }
  for (const Host& host : hosts) {
    const Zone& zone = in_force(host.zones, now);
    if (question.name.ends_with("._tcp." + host.name.text())) {
      answer.authentic = zone.secure;
      for (const char key : zone.tlsa) answer.tlsa.push_back(rehearsal::tlsa_record(key));
      if (!answer.tlsa.empty()) answer.status = dns::AnswerStatus::kOk;
      return answer;
    }
    if (host.name.text() != question.name) continue;
    answer.authentic = zone.secure;
    answer.status = dns::AnswerStatus::kNoData;
    for (const IpAddress& address : host.addresses) {
      if (address.v6 == (question.type == dns::RecordType::kAaaa))
        answer.addresses.push_back(address);
    }
    if (!answer.addresses.empty()) answer.status = dns::AnswerStatus::kOk;
  }
  return answer;
}

Scenario draw_scenario(World& world) {
  Rng& rng = world.rng();
  Scenario scenario;
  draw_domains(world, scenario);
  draw_options(world, scenario.options);
  scenario.messages = static_cast<unsigned>(1 + rng.below(15));
  scenario.workers_max = static_cast<unsigned>(rng.chance(0.6) ? 1 : 2 + rng.below(3));
  scenario.fault_time = world.draw(5min, 4h);
  scenario.dns_trouble = rng.chance(0.5) ? 0 : rng.unit() * 0.5;
  scenario.store_trouble = rng.chance(0.7) ? 0 : rng.unit();
  scenario.crashes = static_cast<unsigned>(rng.chance(0.5) ? 0 : 1 + rng.below(3));
  scenario.graceful_restarts = rng.chance(0.2) ? 1 : 0;
  scenario.reloads = rng.chance(0.2) ? 1 : 0;
  scenario.publications = static_cast<unsigned>(rng.chance(0.5) ? 0 : 1 + rng.below(6));
  // The longest wait there is, once for the destination and once for the message, and the longest
  // conversation that a fault may have left hanging; more where a rate holds the mail back.
  const auto longest = scenario.options.retry.defaults.intervals.back() * 2;
  scenario.drain_time = 2 * longest + 3h;
  if (scenario.options.limits.message_rate.count != 0) scenario.drain_time += 2h;
  return scenario;
}

}  // namespace posthaste::sim
