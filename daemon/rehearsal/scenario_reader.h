// parse_scenario: the text of a scenario file -> a Scenario, or all that is wrong with it at once.
//
// Threads      any; no state.
// Limits       config::parse_yaml's; 20,000 domains, 20,000 hosts, 1,000 incidents. The text may be
//              anything.
// Does not     read files.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.h"
#include "daemon/rehearsal/scenario.h"

namespace posthaste::rehearsal {

struct ParsedScenario {
  std::optional<Scenario> scenario;  // set if and only if `errors` is empty
  std::vector<config::Diagnostic> errors;
};

// `file_name` is for the diagnostics only.
ParsedScenario parse_scenario(std::string_view yaml, std::string file_name);

}  // namespace posthaste::rehearsal
