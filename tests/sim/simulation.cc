#include "tests/sim/simulation.h"

#include <algorithm>
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
      saboteur_(world_, checker_, mutation_, scenario_.options.tls),
      internet_(world_, saboteur_, scenario_, mutation_),
      operator_(world_, checker_, scenario_) {}

std::shared_ptr<Mta> Simulation::make_mta(std::unique_ptr<queue::MemoryStore> store) {
  const auto workers = static_cast<unsigned>(1 + world_.rng().below(scenario_.workers_max));
  return std::make_shared<Mta>(world_, saboteur_, internet_, options_of(scenario_, mutation_),
                               notes_, std::move(store), workers);
}

void Simulation::plan_submissions() {
  Rng& rng = world_.rng();
  for (unsigned i = 0; i < scenario_.messages; ++i) {
    submitters_.push_back(
        std::make_unique<Submitter>(world_, checker_, mutation_, draw_message(i), rng.chance(0.5)));
    const Duration soon = scenario_.burst ? Duration(5s) : Duration(1min);
    const Duration when =
        world_.draw(0s, scenario_.burst || rng.chance(0.5) ? soon : scenario_.fault_time);
    world_.after(when, [this, submitter = submitters_.back().get()] { submitter->submit(mta_); });
  }
}

Submitter::Message Simulation::draw_message(unsigned number) {
  Rng& rng = world_.rng();
  Submitter::Message message;
  if (rng.chance(0.9))
    message.sender = fmt::format("s{}@{}", number, scenario_.domains[0].name.text());
  const bool utf8 = rng.chance(0.05);
  const std::uint64_t recipients = 1 + rng.below(scenario_.burst ? 2 : 6);
  for (std::uint64_t n = 0; n < recipients; ++n) {
    const auto& domain = scenario_.domains[rng.below(scenario_.domains.size())];
    const bool umlaut = utf8 && rng.chance(0.5);
    const char* const kind = rng.chance(0.1) ? "gone" : (umlaut ? "\xC3\xBC" : "u");
    std::string recipient = fmt::format("<{}{}.{}@{}>", kind, number, n, domain.name.text());
    constexpr const char* kNotify[] = {" NOTIFY=NEVER", " NOTIFY=FAILURE", " NOTIFY=DELAY",
                                       " NOTIFY=SUCCESS,FAILURE,DELAY"};
    if (rng.chance(0.3)) recipient += kNotify[rng.below(std::size(kNotify))];
    message.recipients.push_back(std::move(recipient));
  }
  message.content = draw_content(rng);
  message.requiretls = rng.chance(0.15);
  message.wishes = draw_wishes() + (utf8 ? " SMTPUTF8" : "");
  return message;
}

std::string Simulation::draw_wishes() {
  Rng& rng = world_.rng();
  const auto seconds = [](Duration time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time).count();
  };
  std::string wishes;
  if (rng.chance(0.12)) {
    const Duration within = scenario_.days ? world_.draw(1h, 72h) : world_.draw(30s, 1h);
    wishes += fmt::format(" BY={};{}", seconds(within), rng.chance(0.6) ? 'R' : 'N');
  }
  if (rng.chance(0.08)) {
    const Duration hold = scenario_.days ? world_.draw(1h, 48h) : world_.draw(30s, 1h);
    wishes += fmt::format(" HOLDFOR={}", seconds(hold));
    longest_hold_ = std::max(longest_hold_, hold);
  }
  if (rng.chance(scenario_.burst ? 0.8 : 0.2)) {
    wishes += fmt::format(" MT-PRIORITY={}", static_cast<int>(rng.below(19)) - 9);
  }
  return wishes;
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
    world_.after(world_.draw(0s, scenario_.fault_time), [this] { reload(); });
  }
  for (unsigned i = 0; i < scenario_.steerings; ++i) {
    // Most of them while there is much to steer.
    const Duration when =
        world_.draw(0s, world_.rng().chance(0.5) ? Duration(3min) : scenario_.fault_time);
    world_.after(when, [this] { operator_.act(*mta_); });
  }
  for (Provider& provider : scenario_.providers) {
    if (provider.fair_max > Duration(0)) plan_weather(provider);
  }
}

// Fair and foul in turns, until the faults end.
void Simulation::plan_weather(Provider& provider) {
  const bool fair = provider.weather == Weather::kFair;
  world_.after(world_.draw(1s, fair ? provider.fair_max : provider.foul_max), [this, &provider] {
    if (!world_.faults()) return;
    const bool was_fair = provider.weather == Weather::kFair;
    provider.weather = was_fair ? provider.foul : Weather::kFair;
    const auto number = &provider - scenario_.providers.data();
    world_.say("provider {} {}", number,
               !was_fair ? "is well again"
                         : (provider.foul == Weather::kDown ? "is down" : "takes no mail"));
    plan_weather(provider);
  });
}

void Simulation::reload() {
  Rng& rng = world_.rng();
  if (rng.chance(0.7)) draw_limits(rng, scenario_.options);
  if (rng.chance(0.4)) draw_retry(world_, scenario_);
  const bool tls = rng.chance(0.4);
  if (tls) draw_tls_rules(rng, world_.now(), scenario_);
  if (tls || rng.chance(0.6)) draw_routes(rng, scenario_);
  mta_->reconfigure(options_of(scenario_, mutation_));
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
  if (scenario_.clock_step_max > Duration(0)) {
    const Duration step = world_.draw(-scenario_.clock_step_max, scenario_.clock_step_max);
    world_.step_clock(step);
    scenario_.shift(step);
    checker_.on_clock_stepped();
    world_.say("the clock is set by {} s",
               std::chrono::duration_cast<std::chrono::seconds>(step).count());
  }
  mta_ = make_mta(std::move(store));
  mta_->start();
  if (mutation_.is(Bug::kForgetSuspension)) return;
  const bool forgets = mutation_.is(Bug::kForgetSiteSuspension);
  operator_.greet(*mta_, forgets ? std::optional(policy::SuspensionKind::kSite) : std::nullopt);
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
  world_.run_until(world_.now() + scenario_.fault_time);
  world_.say("faults end");
  world_.end_faults();
  scenario_.heal(world_.now());
  for (const Domain& domain : scenario_.domains) mta_->on_sts_changed(domain.name);
  // What is on its way to be held when it is released is held all the same.
  for (const Duration wait : {Duration(0s), Duration(10min)}) {
    world_.after(wait, [this] { operator_.set_free(*mta_); });
  }
  world_.run_until(world_.now() + drain_time(scenario_) + longest_hold_);
  check_end();
  return world_.violation();
}

std::string Simulation::summary() const {
  return fmt::format("{} delivered, {} ended undelivered, {} queued", checker_.delivered(),
                     checker_.ended_undelivered(), checker_.queued());
}

}  // namespace posthaste::sim
