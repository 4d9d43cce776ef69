// What can be shown: the effective values of a configuration, the reference, the JSON Schema.
//
// Threads      any; no state.
#pragma once

#include <string>

#include "config/config.h"

namespace posthaste::config {

// The effective configuration as YAML, defaults included; load_config of it gives the same Config.
std::string render_config(const Config& config);

// docs/configuration.md, from the table of fields.
std::string render_reference();

// A JSON Schema (draft 2020-12) of the file, for editors and for checks outside the daemon. It
// accepts all that load_config accepts; checks between fields are load_config's alone.
std::string render_json_schema();

}  // namespace posthaste::config
