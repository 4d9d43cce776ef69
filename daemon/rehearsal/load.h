// Load: the mail of a scenario, message by message, as submitting clients would hand it in.
//
// Lifetime     one rehearsal.
// Randomness   its own, so that another configuration gets the very same mail.
// Does not     speak SMTP: the messages go to the store as an accepted submission does.
#pragma once

#include <memory>
#include <vector>

#include "daemon/rehearsal/mta.h"
#include "daemon/rehearsal/scenario.h"
#include "daemon/rehearsal/tally.h"
#include "lib/base/rng.h"

namespace posthaste::rehearsal {

class Load {
 public:
  Load(World& world, const Scenario& scenario, std::string sender_domain, std::uint64_t seed);
  // Hands in all mail of the scenario, each at its time.
  void begin(Mta& mta, Tally& tally);

 private:
  void wait_for_next();
  void submit();
  std::shared_ptr<mail::Envelope> draw_envelope();
  const RoutingDomain& draw_domain();

  World& world_;
  const Scenario& scenario_;
  const std::string sender_domain_;
  Rng rng_;
  std::vector<std::pair<double, const ScenarioDomain*>> domains_;  // by the sum of shares so far
  mail::Chunk body_;
  Mta* mta_ = nullptr;
  Tally* tally_ = nullptr;
};

}  // namespace posthaste::rehearsal
