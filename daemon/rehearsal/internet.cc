#include "daemon/rehearsal/internet.h"

#include <algorithm>
#include <utility>

namespace posthaste::rehearsal {

using namespace std::chrono_literals;

namespace {

constexpr Duration kTtl = 1h;
constexpr std::string_view kTlsaPrefix = "._tcp.";

}  // namespace

Internet::Internet(World& world, Witness& witness, const Scenario& scenario)
    : world_(world),
      witness_(witness),
      scenario_(scenario),
      climate_(scenario),
      states_(scenario.hosts.size()) {
  for (std::size_t i = 0; i < scenario.hosts.size(); ++i) {
    hosts_.emplace(scenario.hosts[i].name.text(), i);
    for (const IpAddress& address : scenario.hosts[i].addresses) addresses_.emplace(address, i);
  }
  for (std::size_t i = 0; i < scenario.domains.size(); ++i) {
    domains_.emplace(scenario.domains[i].name.text(), i);
  }
}

// ---- DNS

void Internet::look_up(const dns::Question& question, std::function<void(dns::Answer)> answer) {
  dns::Answer made = answer_to(question);
  const Duration wait =
      made.status == dns::AnswerStatus::kTimeout ? Duration(5s) : world_.draw(1ms, 30ms);
  world_.after(wait, [answer = std::move(answer), made = std::move(made)] { answer(made); });
}

dns::Answer Internet::answer_to(const dns::Question& question) const {
  dns::Answer answer;
  answer.status = dns::AnswerStatus::kNxDomain;
  answer.words = "NXDOMAIN for " + question.name;
  answer.expires = world_.now() + kTtl;
  const bool tlsa = question.type == dns::RecordType::kTlsa;
  const std::size_t prefix = tlsa ? question.name.find(kTlsaPrefix) : std::string::npos;
  const std::string name = prefix == std::string::npos
                               ? question.name
                               : question.name.substr(prefix + kTlsaPrefix.size());
  std::optional<dns::AnswerStatus> trouble;
  if (question.type == dns::RecordType::kMx) {
    const auto domain = domains_.find(name);
    if (domain == domains_.end()) return answer;
    trouble = climate_.at_domain(domain->second, world_.now()).dns;
    if (!trouble) answer_mx(domain->second, answer);
  } else {
    const auto host = hosts_.find(name);
    if (host == hosts_.end()) return answer;
    trouble = climate_.at_host(host->second, world_.now()).dns;
    if (!trouble) answer_host(host->second, question.type, answer);
  }
  if (trouble) {
    answer.status = *trouble;
    answer.words = fmt::format("{} for {}", dns::name(*trouble), question.name);
    answer.expires = world_.now() + 30s;
  }
  return answer;
}

void Internet::answer_mx(std::size_t domain, dns::Answer& answer) const {
  const ScenarioDomain& known = scenario_.domains[domain];
  answer.status = dns::AnswerStatus::kOk;
  answer.authentic = known.dnssec;
  for (const auto& mx : known.mx) {
    answer.mx.push_back({mx.preference, scenario_.hosts[mx.host].name});
  }
}

void Internet::answer_host(std::size_t host, dns::RecordType type, dns::Answer& answer) const {
  const ScenarioHost& known = scenario_.hosts[host];
  answer.authentic = known.dnssec;
  answer.status = dns::AnswerStatus::kNoData;
  if (type == dns::RecordType::kA) answer.addresses = known.addresses;
  if (type == dns::RecordType::kTlsa && known.dane) answer.tlsa.push_back(tlsa_record('x'));
  if (!answer.addresses.empty() || !answer.tlsa.empty()) answer.status = dns::AnswerStatus::kOk;
}

std::optional<policy::StsPolicy> Internet::sts_of(const RoutingDomain& domain) {
  const auto found = domains_.find(domain.text());
  if (found == domains_.end()) return std::nullopt;
  const ScenarioDomain& known = scenario_.domains[found->second];
  if (known.sts == policy::StsMode::kNone) return std::nullopt;
  policy::StsPolicy policy{known.sts, {}, 7 * 24h};
  for (const auto& mx : known.mx) policy.mx.push_back(scenario_.hosts[mx.host].name.text());
  return policy;
}

// ---- mail hosts

void Internet::call(const delivery::Connect& connect,
                    std::function<void(Called, std::string)> answer) {
  const auto found = addresses_.find(connect.endpoint.address);
  if (found == addresses_.end()) {  // a route or a literal of the operator's own
    return world_.after(
        1ms, [answer = std::move(answer)] { answer({}, "the scenario has no such host"); });
  }
  const std::size_t index = found->second;
  if (const auto silent = climate_.at_host(index, world_.now()).down) {
    if (*silent) return;
    return world_.after(world_.draw(5ms, 60ms),
                        [answer = std::move(answer)] { answer({}, "connection refused"); });
  }
  LinkTraits traits;
  traits.latency_min = 5ms;
  traits.latency_max = 30ms;
  auto link = std::make_shared<Link>(world_, traits);
  const ScenarioHost& host = scenario_.hosts[index];
  auto peer = std::make_shared<Peer>(
      world_, witness_, host,
      std::make_unique<ScriptedConduct>(world_, climate_, host, index, states_[index]),
      Peer::Call{connect.conn, connect.tls, connect.implicit_tls}, link);
  let_go();
  lines_.push_back({link, peer});
  world_.after(world_.draw(5ms, 60ms), [answer = std::move(answer), link, peer] {
    peer->begin();
    answer({link, peer}, {});
  });
}

// Hosts whose side is closed hear nothing more.
void Internet::let_go() {
  if (lines_.size() < sweep_at_) return;
  std::erase_if(lines_, [](const Called& line) { return line.link->closed(Side::kCallee); });
  sweep_at_ = std::max<std::size_t>(1000, 2 * lines_.size());
}

}  // namespace posthaste::rehearsal
