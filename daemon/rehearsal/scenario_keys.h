// The table of every key that a scenario file may have: what its reader knows, and what
// docs/rehearsal.md shows.
//
// Threads      any; constants.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace posthaste::rehearsal {

struct ScenarioKey {
  std::string_view section;  // "", "hosts", "domains", "incidents", "load"
  std::string_view name;
  std::string_view expected;  // "a duration"
  std::string_view example;   // also the default, where there is one
  std::string_view doc;
  bool required = false;
  bool is_default = false;  // the example is what counts where the key is missing
};

std::span<const ScenarioKey> scenario_keys();
// nullptr: no such key.
const ScenarioKey* find_scenario_key(std::string_view section, std::string_view name);

// The tables of docs/rehearsal.md, in Markdown, one for each section.
std::string render_scenario_keys();

}  // namespace posthaste::rehearsal
