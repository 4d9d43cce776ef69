// The results of a rehearsal told to a person, and as JSON.
//
// Threads      any; no state.
// Limits       80 columns.
// Does not     run one: see daemon/rehearsal/rehearsal.h.
#pragma once

#include <string>
#include <vector>

#include "daemon/rehearsal/results.h"
#include "daemon/tool/table.h"

namespace posthaste::daemon::tool {

// One character for each value, from nothing to `most`: " ▁▂▃▄▅▆▇█". What is not nothing is seen.
std::string sparkline(const std::vector<std::uint64_t>& values, std::uint64_t most);

std::string tell_rehearsal(const std::string& title, const rehearsal::Results& results,
                           const Style& style);

// Two configurations with the same mail, side by side: what got better, and what worse.
struct Compared {
  std::string name;  // of the configuration
  const rehearsal::Results& results;
};
std::string tell_comparison(const std::string& title, const Compared& one, const Compared& other,
                            const Style& style);

// {"title", "seed", "all": {…}, "domains": […], "stretches": […], …}; durations in seconds.
std::string rehearsal_json(const std::string& title, const rehearsal::Results& results);
// {"one": …, "other": …}
std::string comparison_json(const std::string& title, const Compared& one, const Compared& other);

}  // namespace posthaste::daemon::tool
