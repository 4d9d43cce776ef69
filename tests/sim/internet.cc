#include "tests/sim/internet.h"

#include <utility>

#include "tests/sim/dice.h"

namespace posthaste::sim {

using namespace std::chrono_literals;
using rehearsal::Called;
using rehearsal::Peer;

void Internet::look_up(const dns::Question& question, std::function<void(dns::Answer)> answer) {
  dns::Answer made = scenario_.answer(question, world_.now(), world_.rng());
  Duration wait = world_.draw(0ms, 80ms);
  const bool tlsa = question.type == dns::RecordType::kTlsa;
  double trouble = scenario_.dns_trouble;
  for (const Host& host : scenario_.hosts) {
    if (tlsa && question.name.ends_with("." + host.name.text())) trouble = host.tlsa_trouble;
  }
  if (world_.fault(trouble)) {
    constexpr dns::AnswerStatus kTroubles[] = {
        dns::AnswerStatus::kServFail, dns::AnswerStatus::kTimeout, dns::AnswerStatus::kRefused,
        dns::AnswerStatus::kMalformed};
    made = dns::Answer{};
    made.status = kTroubles[world_.rng().below(std::size(kTroubles))];
    made.words = fmt::format("{} for {}", dns::name(made.status), question.name);
    made.expires = world_.now() + 5s;
    if (made.status == dns::AnswerStatus::kTimeout) wait = world_.draw(2s, 14s);
    if (tlsa && mutation_.is(Bug::kLookupFailureIsNone)) made.status = dns::AnswerStatus::kNoData;
  }
  world_.say("dns {} {}: {}", question.name, dns::name(question.type), dns::name(made.status));
  world_.after(wait, [answer = std::move(answer), made = std::move(made)] { answer(made); });
}

void Internet::call(const delivery::Connect& connect,
                    std::function<void(Called, std::string)> answer) {
  const Host* host = scenario_.host_at(connect.endpoint.address);
  if (host == nullptr)
    return world_.violate("a call to nowhere: " + render_endpoint(connect.endpoint));
  Reception& reception = receptions_[host->provider];
  if (reception.down() || world_.fault(host->refuses_calls)) {
    if (world_.rng().chance(0.3)) return;  // silence
    return world_.after(world_.draw(1ms, 500ms),
                        [answer = std::move(answer)] { answer({}, "connection refused"); });
  }
  if (mutation_.is(Bug::kReuseSocket)) {
    const Called& last = last_[connect.endpoint];
    if (last.peer && last.peer->handshake_failed()) {
      last.peer->begin();
      return;
    }
  }
  auto link =
      std::make_shared<rehearsal::Link>(world_, rehearsal::draw_link_traits(world_, host->cuts));
  auto peer = std::make_shared<Peer>(
      world_, witness_, *host, std::make_unique<Dice>(world_, *host, reception),
      Peer::Call{connect.conn, connect.tls, connect.implicit_tls}, link);
  peers_.push_back(peer);
  last_[connect.endpoint] = {link, peer};
  world_.after(world_.draw(1ms, 300ms), [answer = std::move(answer), link, peer] {
    peer->begin();
    answer({link, peer}, {});
  });
}

std::optional<policy::StsPolicy> Internet::sts_of(const RoutingDomain& domain) {
  const Domain* known = scenario_.domain_named(domain.text());
  if (known == nullptr) return std::nullopt;
  auto policy = in_force(known->sts, world_.now()).policy;
  return mutation_.is(Bug::kIgnoreSts) ? std::nullopt : policy;
}

std::optional<queue::MemoryStore::Trouble> Internet::disk_trouble() {
  if (!world_.fault(scenario_.store_trouble * 0.1)) return std::nullopt;
  const bool full = world_.rng().chance(0.5);
  return queue::MemoryStore::Trouble{full, world_.rng().chance(0.5), "the disk says no"};
}

}  // namespace posthaste::sim
