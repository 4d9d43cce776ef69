// Json: how what programs read is put together: the answers of the admin API, and the tool's own.
//
// Threads      any; no state.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "lib/base/time.h"

namespace posthaste::daemon {

using Json = nlohmann::ordered_json;

// Replies and addresses are bytes from outside: what is no UTF-8 is replaced, never thrown about.
std::string text_of(const Json& json);
// RFC 3339 in UTC with milliseconds; null for kNever and the epoch.
Json time_json(Instant time);

}  // namespace posthaste::daemon
