// Internet: DNS, the mail hosts and our own disk, with their troubles.
//
// Lifetime     one seed; outlives every process of ours.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "daemon/rehearsal/outside.h"
#include "daemon/rehearsal/witness.h"
#include "lib/delivery/engine.h"
#include "tests/sim/mutation.h"
#include "tests/sim/reception.h"
#include "tests/sim/scenario.h"

namespace posthaste::sim {

class Internet : public rehearsal::Outside {
 public:
  Internet(World& world, rehearsal::Witness& witness, const Scenario& scenario,
           const Mutation& mutation)
      : world_(world), witness_(witness), scenario_(scenario), mutation_(mutation) {
    for (const Provider& provider : scenario.providers) receptions_.emplace_back(world, provider);
  }

  void look_up(const dns::Question& question, std::function<void(dns::Answer)> answer) override;
  void call(const delivery::Connect& connect,
            std::function<void(rehearsal::Called, std::string)> answer) override;
  std::optional<policy::StsPolicy> sts_of(const RoutingDomain& domain) override;
  bool read_fails() override { return world_.fault(scenario_.read_trouble); }
  std::optional<queue::MemoryStore::Trouble> disk_trouble() override;

 private:
  World& world_;
  rehearsal::Witness& witness_;
  const Scenario& scenario_;
  const Mutation& mutation_;
  std::vector<std::shared_ptr<rehearsal::Peer>> peers_;
  std::map<Endpoint, rehearsal::Called> last_;
  std::deque<Reception> receptions_;  // by provider
};

}  // namespace posthaste::sim
