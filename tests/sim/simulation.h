// Simulation: one seed from start to end: faults first, under which nothing may be broken (safety),
// then none, after which everything must come to an end (liveness).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/checker.h"
#include "tests/sim/internet.h"
#include "tests/sim/mta.h"
#include "tests/sim/submitter.h"
#include "tests/sim/world.h"

namespace posthaste::sim {

class Simulation {
 public:
  Simulation(std::uint64_t seed, Mutation mutation, bool trace);
  ~Simulation();  // breaks the ring of an MTA and those who await its store
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;
  // The rule that was broken; nullopt: none.
  std::optional<std::string> run();
  std::string summary() const;

 private:
  void plan_submissions();
  void plan_disasters();
  void publish();
  void crash();
  void restart_gracefully(Instant patience);
  void check_end();

  World world_;
  Scenario scenario_;
  Checker checker_;
  Internet internet_;
  Notes notes_;
  std::shared_ptr<Mta> mta_;
  std::vector<std::unique_ptr<Submitter>> submitters_;
};

}  // namespace posthaste::sim
