// Internet: the Outside of an operator's rehearsal: DNS, mail hosts and MTA-STS policies as his
// scenario has them.
//
// Lifetime     the run's. The Scenario outlives it.
// Does not     know of the processes that ask it, or fail by itself: all trouble is the scenario's.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/rehearsal/climate.h"
#include "daemon/rehearsal/outside.h"
#include "daemon/rehearsal/scripted_conduct.h"
#include "daemon/rehearsal/witness.h"

namespace posthaste::rehearsal {

class Internet : public Outside {
 public:
  Internet(World& world, Witness& witness, const Scenario& scenario);

  void look_up(const dns::Question& question, std::function<void(dns::Answer)> answer) override;
  void call(const delivery::Connect& connect,
            std::function<void(Called, std::string)> answer) override;
  std::optional<policy::StsPolicy> sts_of(const RoutingDomain& domain) override;

 private:
  dns::Answer answer_to(const dns::Question& question) const;
  void answer_mx(std::size_t domain, dns::Answer& answer) const;
  void answer_host(std::size_t host, dns::RecordType type, dns::Answer& answer) const;
  void let_go();

  World& world_;
  Witness& witness_;
  const Scenario& scenario_;
  const Climate climate_;
  std::vector<HostState> states_;
  std::unordered_map<std::string, std::size_t> hosts_, domains_;
  std::map<IpAddress, std::size_t> addresses_;
  std::vector<Called> lines_;
  std::size_t sweep_at_ = 1000;
};

}  // namespace posthaste::rehearsal
