// load_config: the text of a configuration file -> a Config, or all that is wrong with it at once.
//
// Threads      any; no state.
// Limits       1 MiB, 50 levels, 50 errors told; the text may be anything, it is not trusted.
// Does not     read files. An empty text is a right one: everything has a default.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/diagnostic.h"

namespace posthaste::config {

struct LoadResult {
  std::optional<Config> config;              // set if and only if `errors` is empty
  std::vector<Diagnostic> errors, warnings;  // in the order of the file
};

// `file_name` is for the diagnostics and for the origins of TLS rules only.
LoadResult load_config(std::string_view yaml, std::string file_name);

}  // namespace posthaste::config
