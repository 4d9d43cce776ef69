#include "tests/sim/simulation.h"

#include <utility>

namespace posthaste::sim {
namespace {

using namespace std::chrono_literals;

constexpr Instant kStart{std::chrono::seconds(1'780'000'000)};

// Lines as mail has them, some of which begin with dots; now and then more than one chunk of them.
std::string draw_content(Rng& rng) {
  std::string content = "Subject: simulated\r\n";
  if (rng.chance(0.15)) content += "TLS-Required: No\r\n";
  content += "\r\n";
  if (rng.chance(0.15))
    content +=
        "Gr\xC3\xBC\xC3\x9F"
        "e\r\n";
  const std::uint64_t lines = rng.chance(0.03) ? 2000 + rng.below(2000) : rng.below(12);
  for (std::uint64_t i = 0; i < lines; ++i) {
    if (rng.chance(0.3)) content.append(1 + rng.below(3), '.');
    content.append(rng.below(60), static_cast<char>('a' + rng.below(26)));
    content += "\r\n";
  }
  return content;
}

}  // namespace

Simulation::Simulation(std::uint64_t seed, Mutation mutation, bool trace)
    : world_(seed, kStart, trace),
      mutation_(std::move(mutation)),
      scenario_(draw_scenario(world_)),
      checker_(world_, scenario_),
      saboteur_(checker_, mutation_),
      internet_(world_, saboteur_, scenario_, mutation_) {}

std::shared_ptr<Mta> Simulation::make_mta(std::unique_ptr<queue::MemoryStore> store) {
  const auto workers = static_cast<unsigned>(1 + world_.rng().below(scenario_.workers_max));
  return std::make_shared<Mta>(world_, saboteur_, internet_, options_of(scenario_, mutation_),
                               notes_, std::move(store), workers);
}

void Simulation::plan_submissions() {
  Rng& rng = world_.rng();
  for (unsigned i = 0; i < scenario_.messages; ++i) {
    Submitter::Message message;
    if (rng.chance(0.9))
      message.sender = fmt::format("s{}@{}", i, scenario_.domains[0].name.text());
    const std::uint64_t recipients = 1 + rng.below(6);
    for (std::uint64_t n = 0; n < recipients; ++n) {
      const auto& domain = scenario_.domains[rng.below(scenario_.domains.size())];
      message.recipients.push_back(
          fmt::format("{}{}.{}@{}", rng.chance(0.1) ? "gone" : (rng.chance(0.1) ? "quiet" : "u"), i,
                      n, domain.name.text()));
    }
    message.content = draw_content(rng);
    message.requiretls = rng.chance(0.15);
    submitters_.push_back(std::make_unique<Submitter>(world_, checker_, mutation_,
                                                      std::move(message), rng.chance(0.5)));
    const Duration when = world_.draw(0s, rng.chance(0.5) ? Duration(1min) : scenario_.fault_time);
    world_.after(when, [this, submitter = submitters_.back().get()] { submitter->submit(mta_); });
  }
}

void Simulation::plan_disasters() {
  for (unsigned i = 0; i < scenario_.crashes; ++i) {
    // Most of them while there is something to lose.
    const Duration when =
        world_.draw(0s, world_.rng().chance(0.7) ? Duration(2min) : scenario_.fault_time);
    world_.after(when, [this] { crash(); });
  }
  for (unsigned i = 0; i < scenario_.graceful_restarts; ++i) {
    world_.after(world_.draw(0s, scenario_.fault_time), [this] {
      world_.say("shutting down");
      mta_->shut_down();
      restart_gracefully(world_.now() + 1h);
    });
  }
  for (unsigned i = 0; i < scenario_.publications; ++i) {
    world_.after(world_.draw(0s, scenario_.fault_time), [this] { publish(); });
  }
  for (unsigned i = 0; i < scenario_.reloads; ++i) {
    world_.after(world_.draw(0s, scenario_.fault_time), [this] {
      Rng& rng = world_.rng();
      scenario_.options.limits.connections = static_cast<std::uint32_t>(1 + rng.below(4));
      scenario_.options.limits.messages_per_connection += static_cast<std::uint32_t>(rng.below(3));
      scenario_.options.idle = world_.draw(1s, 30s);
      mta_->reconfigure(options_of(scenario_, mutation_));
    });
  }
}

// A zone, a key or an MTA-STS policy changes. Whoever rolls a key over has both records out by
// then; or has forgotten it.
void Simulation::publish() {
  Rng& rng = world_.rng();
  Host& host = scenario_.hosts[rng.below(scenario_.hosts.size())];
  Domain& domain = scenario_.domains[rng.below(scenario_.domains.size())];
  Zone zone = in_force(host.zones, world_.now());
  zone.from = world_.now();
  switch (rng.below(4)) {
    case 0: zone.tlsa = zone.tlsa.empty() ? "x" : (zone.tlsa == "x" ? "xy" : ""); break;
    case 1: zone.secure = !zone.secure; break;
    case 2: host.certificate.key = host.certificate.key == 'x' ? 'y' : 'x'; break;
    default:
      StsVersion sts{world_.now(), in_force(domain.sts, world_.now()).policy};
      if (sts.policy) {
        sts.policy.reset();
      } else {
        sts.policy = policy::StsPolicy{policy::StsMode::kEnforce, {"*.hosts.example"}, 24h};
      }
      domain.sts.push_back(std::move(sts));
      mta_->on_sts_changed(domain.name);
      return;
  }
  host.zones.push_back(std::move(zone));
}

void Simulation::crash() {
  auto store = mta_->die();
  mta_ = make_mta(std::move(store));
  mta_->start();
}

// A crash may come first; then it is the next process that is asked, and restarted once more.
void Simulation::restart_gracefully(Instant patience) {
  if (mta_->quiet()) return crash();
  if (world_.now() >= patience) return world_.violate("a shutdown does not come to its end");
  world_.after(1s, [this, patience, asked = std::weak_ptr(mta_)] {
    if (asked.lock() == mta_) restart_gracefully(patience);
  });
}

void Simulation::check_end() {
  if (world_.violation()) return;
  const delivery::Counts counts = mta_->counts();
  if (checker_.queued() > 0 || mta_->store().recipients() > 0) {
    return world_.violate(fmt::format(
        "{} recipients are still queued in the end (engine: {} waiting, {} ready, "
        "{} in flight, {} connections)",
        checker_.queued(), counts.waiting, counts.ready, counts.in_flight, counts.connections));
  }
  if (counts.waiting + counts.ready + counts.in_flight > 0 || mta_->oldest() != kNever) {
    world_.violate("the engine still counts recipients that are gone");
  } else if (counts.connections > 0 || counts.destinations > 0) {
    world_.violate("connections or destinations are left behind");
  }
}

Simulation::~Simulation() {
  if (mta_ != nullptr) mta_->forget_askers();
}

std::optional<std::string> Simulation::run() {
  mta_ = make_mta(std::make_unique<queue::MemoryStore>());
  mta_->start();
  plan_submissions();
  plan_disasters();
  const Instant start = world_.now();
  world_.run_until(start + scenario_.fault_time);
  world_.say("faults end");
  world_.end_faults();
  scenario_.heal(world_.now());
  for (const Domain& domain : scenario_.domains) mta_->on_sts_changed(domain.name);
  world_.run_until(start + scenario_.fault_time + scenario_.drain_time);
  check_end();
  return world_.violation();
}

std::string Simulation::summary() const {
  return fmt::format("{} delivered, {} ended undelivered, {} queued", checker_.delivered(),
                     checker_.ended_undelivered(), checker_.queued());
}

}  // namespace posthaste::sim
