#include "daemon/rehearsal/climate.h"

#include <algorithm>
#include <string_view>

namespace posthaste::rehearsal {
namespace {

bool named(const std::vector<policy::DomainPattern>& patterns, std::string_view name) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const auto& pattern) {
    return pattern.text == "*" || pattern.matches(name);
  });
}

template <typename Field>
void overlay(Field& field, const Field& over) {
  if (over) field = over;
}

void overlay(Trouble& trouble, const Trouble& over) {
  overlay(trouble.down, over.down);
  overlay(trouble.starttls_refused, over.starttls_refused);
  if (over.handshake) trouble.only_profile = over.only_profile;
  overlay(trouble.handshake, over.handshake);
  overlay(trouble.certificate, over.certificate);
  overlay(trouble.greylist, over.greylist);
  overlay(trouble.connections_max, over.connections_max);
  overlay(trouble.messages_max, over.messages_max);
  overlay(trouble.reply, over.reply);
  overlay(trouble.latency, over.latency);
  overlay(trouble.dns, over.dns);
}

}  // namespace

Climate::Climate(const Scenario& scenario)
    : start_(scenario.start), by_host_(scenario.hosts.size()), by_domain_(scenario.domains.size()) {
  for (const Incident& incident : scenario.incidents) {
    std::vector<bool> hit(scenario.hosts.size());
    for (std::size_t i = 0; i < scenario.hosts.size(); ++i) {
      hit[i] = named(incident.hosts, scenario.hosts[i].name.text());
    }
    for (std::size_t i = 0; i < scenario.domains.size(); ++i) {
      const ScenarioDomain& domain = scenario.domains[i];
      if (!named(incident.domains, domain.name.text())) continue;
      by_domain_[i].push_back(&incident);
      for (const auto& mx : domain.mx) hit[mx.host] = true;
    }
    for (std::size_t i = 0; i < hit.size(); ++i) {
      if (hit[i]) by_host_[i].push_back(&incident);
    }
  }
}

Trouble Climate::sum(const std::vector<const Incident*>& incidents, Instant now) const {
  Trouble trouble;
  for (const Incident* incident : incidents) {
    if (incident->holds(now - start_)) overlay(trouble, incident->trouble);
  }
  return trouble;
}

Trouble Climate::at_host(std::size_t host, Instant now) const { return sum(by_host_[host], now); }

Trouble Climate::at_domain(std::size_t domain, Instant now) const {
  return sum(by_domain_[domain], now);
}

}  // namespace posthaste::rehearsal
