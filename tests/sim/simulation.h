// Simulation: one seed from start to end: faults first, under which nothing may be broken (safety),
// then none, after which everything must come to an end (liveness).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/rehearsal/mta.h"
#include "daemon/rehearsal/notes.h"
#include "tests/sim/checker.h"
#include "tests/sim/internet.h"
#include "tests/sim/operator.h"
#include "tests/sim/saboteur.h"
#include "tests/sim/submitter.h"

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
  Submitter::Message draw_message(unsigned number);
  std::string draw_wishes();
  void plan_disasters();
  void plan_weather(Provider& provider);
  void reload();
  void publish();
  void crash();
  void restart_gracefully(Instant patience);
  void check_end();
  std::shared_ptr<Mta> make_mta(std::unique_ptr<queue::MemoryStore> store);

  World world_;
  Mutation mutation_;
  Scenario scenario_;
  Checker checker_;
  Saboteur saboteur_;
  Internet internet_;
  Operator operator_;
  rehearsal::Notes notes_;
  std::shared_ptr<Mta> mta_;
  std::vector<std::unique_ptr<Submitter>> submitters_;
  Duration longest_hold_{};  // that a message asks for
};

}  // namespace posthaste::sim
