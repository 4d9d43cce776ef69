#include "daemon/rehearsal/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace posthaste::rehearsal {
namespace {

constexpr std::uint64_t kSenders = 50, kLocalParts = 5000;
// Stands for a body of any size: what is announced is the envelope's, what is copied costs time.
constexpr const char* kBody = "Subject: rehearsal\r\n\r\nA message.\r\n";

}  // namespace

Load::Load(World& world, const Scenario& scenario, std::string sender_domain, std::uint64_t seed)
    : world_(world),
      scenario_(scenario),
      sender_domain_(std::move(sender_domain)),
      rng_(seed),
      body_(std::make_shared<const std::string>(kBody)) {
  std::vector<double> members(scenario.groups.size());
  for (const ScenarioDomain& domain : scenario.domains) ++members[domain.group];
  double sum = 0;
  for (const ScenarioDomain& domain : scenario.domains) {
    const double share = scenario.groups[domain.group].share / members[domain.group];
    if (share > 0) domains_.emplace_back(sum += share, &domain);
  }
}

void Load::begin(Mta& mta, Tally& tally) {
  mta_ = &mta;
  tally_ = &tally;
  if (!domains_.empty() && scenario_.load.messages_per_hour > 0) wait_for_next();
}

// A Poisson process at the highest rate of the day, thinned out to that of the hour.
void Load::wait_for_next() {
  const auto& by_hour = scenario_.load.by_hour;
  const double most = *std::max_element(by_hour.begin(), by_hour.end());
  if (most <= 0) return;
  const double mean = 3600e6 / (scenario_.load.messages_per_hour * most);
  Instant next = world_.now();
  for (;;) {
    next += Duration(1 + static_cast<Duration::rep>(-std::log(1 - rng_.unit()) * mean));
    if (next >= scenario_.start + scenario_.length) return;
    const auto hour =
        std::chrono::floor<std::chrono::hours>(next - std::chrono::floor<std::chrono::days>(next));
    if (rng_.unit() * most < by_hour[static_cast<std::size_t>(hour.count())]) break;
  }
  world_.at(next, [this] {
    submit();
    wait_for_next();
  });
}

const RoutingDomain& Load::draw_domain() {
  const double place = rng_.unit() * domains_.back().first;
  const auto found =
      std::upper_bound(domains_.begin(), domains_.end() - 1, place,
                       [](double value, const auto& domain) { return value < domain.first; });
  return found->second->name;
}

std::shared_ptr<mail::Envelope> Load::draw_envelope() {
  auto envelope = std::make_shared<mail::Envelope>();
  envelope->id = mta_->worker(0).ids().next(world_.now());
  envelope->sender =
      mail::Mailbox::trusted(fmt::format("s{}@{}", rng_.below(kSenders), sender_domain_));
  const double wish = rng_.unit();
  const LoadPlan& load = scenario_.load;
  if (wish < load.require_tls) {
    envelope->tls_wish = mail::TlsWish::kRequireTls;
  } else if (wish < load.require_tls + load.tls_optional) {
    envelope->tls_wish = mail::TlsWish::kOptional;
  }
  envelope->arrived = world_.now();
  envelope->body_bytes = load.size;
  envelope->body_chunks = 1;
  envelope->submitter = "rehearsal";
  return envelope;
}

void Load::submit() {
  auto envelope = draw_envelope();
  const LoadPlan& load = scenario_.load;
  const auto count = static_cast<unsigned>(
      load.recipients_min + rng_.below(load.recipients_max - load.recipients_min + 1));
  envelope->recipients_total = static_cast<std::uint16_t>(count);
  queue::Accept accept;
  accept.chunks.push_back(body_);
  for (unsigned i = 0; i < count; ++i) {
    const RoutingDomain& domain = draw_domain();
    mail::PendingRecipient pending;
    pending.recipient.number = static_cast<std::uint16_t>(i);
    pending.recipient.address =
        mail::Mailbox::trusted(fmt::format("u{}@{}", rng_.below(kLocalParts), domain.text()));
    pending.shard = shard_of(domain);
    pending.progress.due = envelope->arrived;
    pending.tls_wish = envelope->tls_wish;
    accept.recipients.push_back(std::move(pending));
  }
  accept.envelope = std::move(envelope);
  tally_->on_submitted(accept);
  mta_->ask_store(std::move(accept));
}

}  // namespace posthaste::rehearsal
