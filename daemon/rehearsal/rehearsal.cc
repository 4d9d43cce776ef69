#include "daemon/rehearsal/rehearsal.h"

#include <utility>

#include "daemon/rehearsal/internet.h"
#include "daemon/rehearsal/load.h"
#include "daemon/rehearsal/mta.h"
#include "daemon/rehearsal/notes.h"
#include "daemon/rehearsal/tally.h"

namespace posthaste::rehearsal {
namespace {

constexpr int kStretches = 60;
// Where the mail comes from, and notifications go. Not among the results.
constexpr const char* kSenderDomain = "senders.rehearsal.example";

Scenario with_senders(Scenario scenario) {
  const std::size_t index = scenario.hosts.size();
  ScenarioHost host;
  host.name = MxName(std::string("mx.") + kSenderDomain);
  host.addresses.push_back(ipv4(12, 0, 0, 1));
  scenario.hosts.push_back(std::move(host));
  ScenarioDomain domain;
  domain.name = RoutingDomain(kSenderDomain);
  domain.group = scenario.groups.size();
  domain.mx.push_back({10, index});
  scenario.domains.push_back(std::move(domain));
  scenario.groups.push_back({kSenderDomain, 0});
  return scenario;
}

}  // namespace

Result<Results> rehearse(const Scenario& asked, std::shared_ptr<const delivery::Options> options,
                         std::uint64_t seed, const Progress& progress) {
  const Scenario scenario = with_senders(asked);
  World world(seed, scenario.start, false);
  world.end_faults();
  Tally tally(world, scenario, 1);
  Internet internet(world, tally, scenario);
  Notes notes;
  const auto mta = std::make_shared<Mta>(world, tally, internet, std::move(options), notes,
                                         std::make_unique<queue::MemoryStore>());
  mta->start();
  Load load(world, scenario, kSenderDomain, seed);
  load.begin(*mta, tally);
  for (int i = 1; i <= kStretches && !world.violation(); ++i) {
    world.run_until(scenario.start + scenario.length * i / kStretches);
    tally.end_stretch();
    if (progress) progress(static_cast<double>(i) / kStretches);
  }
  mta->forget_askers();
  if (world.violation())
    return fail(ErrorCode::kInvalid,
                "a rule of our own was broken, which is a bug: " + *world.violation());
  Results results = tally.results(mta->store());
  results.start = scenario.start;
  results.length = scenario.length;
  results.late_after = scenario.late_after;
  results.seed = seed;
  results.stretch = scenario.length / kStretches;
  return results;
}

}  // namespace posthaste::rehearsal
