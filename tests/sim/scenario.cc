#include "tests/sim/scenario.h"

#include <algorithm>

namespace posthaste::sim {

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

void Scenario::shift(Duration by) {
  for (Host& host : hosts) {
    for (Zone& zone : host.zones) zone.from += by;
  }
  for (Domain& domain : domains) {
    for (StsVersion& version : domain.sts) version.from += by;
    for (TlsVersion& version : domain.tls) version.from += by;
  }
}

bool Scenario::serves(const MxName& host, const Domain& domain) const {
  for (const delivery::RouteRule& rule : options.routes) {
    if (rule.match.front().text != domain.name.text()) continue;
    return std::any_of(rule.hosts.begin(), rule.hosts.end(),
                       [&](const auto& one) { return one.name == host; });
  }
  return std::any_of(domain.hosts.begin(), domain.hosts.end(),
                     [&](std::size_t number) { return hosts[number].name == host; });
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

}  // namespace posthaste::sim
