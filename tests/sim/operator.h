// Operator: holds, releases, removes, bounces and hastens mail as the dice will have it, and
// suspends domains, hosts and senders for a while.
//
// Lifetime     the seed's; outlives every process of ours. What he has suspended is told to the
//              next process, as the daemon's notes tell it; his orders are not.
#pragma once

#include <memory>
#include <optional>

#include "daemon/rehearsal/mta.h"
#include "tests/sim/checker.h"
#include "tests/sim/scenario.h"

namespace posthaste::sim {

class Operator {
 public:
  Operator(World& world, Checker& checker, const Scenario& scenario)
      : world_(world), checker_(checker), scenario_(scenario) {}

  // To a process that has just started. `forgotten`: what the notes have lost.
  void greet(rehearsal::Mta& mta, std::optional<policy::SuspensionKind> forgotten);
  void act(rehearsal::Mta& mta);
  // Nothing is held or suspended any more.
  void set_free(rehearsal::Mta& mta);

 private:
  delivery::Selection draw_selection();
  policy::Suspension draw_suspension();
  void steer(rehearsal::Mta& mta, delivery::SteerVerb verb, delivery::Selection selection);
  void suspend(rehearsal::Mta& mta, std::vector<policy::Suspension> all);

  World& world_;
  Checker& checker_;
  const Scenario& scenario_;
  std::uint64_t tickets_ = 0;
  std::shared_ptr<const policy::Suspensions> suspensions_ =
      std::make_shared<const policy::Suspensions>();
};

}  // namespace posthaste::sim
