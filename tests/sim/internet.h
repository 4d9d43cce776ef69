// Internet: DNS and the mail hosts, with their troubles.
//
// Lifetime     one seed; outlives every process of ours.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "lib/delivery/engine.h"
#include "tests/sim/checker.h"
#include "tests/sim/link.h"
#include "tests/sim/peer.h"
#include "tests/sim/scenario.h"

namespace posthaste::sim {

class Internet {
 public:
  Internet(World& world, Checker& checker, const Scenario& scenario)
      : world_(world), checker_(checker), scenario_(scenario) {}

  // Answers once, sooner or later.
  void look_up(const dns::Question& question, std::function<void(dns::Answer)> answer);

  struct Called {
    std::shared_ptr<Link> link;
    std::shared_ptr<Peer> peer;
  };
  // Answers with the connection, or with words and no link. May never answer.
  void call(const delivery::Connect& connect, std::function<void(Called, std::string)> answer);

 private:
  World& world_;
  Checker& checker_;
  const Scenario& scenario_;
  std::vector<std::shared_ptr<Peer>> peers_;
  std::map<Endpoint, Called> last_;
};

}  // namespace posthaste::sim
