// Climate: what is otherwise than usual at each host and domain of a scenario, at each time.
//
// Lifetime     the run's; the Scenario outlives it.
// Cost         a look at a host's own incidents, which are few.
#pragma once

#include <vector>

#include "daemon/rehearsal/scenario.h"

namespace posthaste::rehearsal {

class Climate {
 public:
  explicit Climate(const Scenario& scenario);

  // Of two incidents at a time, the later one in the file counts, field by field.
  Trouble at_host(std::size_t host, Instant now) const;
  Trouble at_domain(std::size_t domain, Instant now) const;

 private:
  Trouble sum(const std::vector<const Incident*>& incidents, Instant now) const;

  const Instant start_;
  std::vector<std::vector<const Incident*>> by_host_, by_domain_;
};

}  // namespace posthaste::rehearsal
