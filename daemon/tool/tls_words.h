// demand_text: what is asked of a mail host, for people, from the JSON of an explanation or a
// probe.
//
// Threads      any; no state.
#pragma once

#include <string>

#include "daemon/tool/answer.h"

namespace posthaste::daemon::tool {

// {level, source, encrypted, authentication, names: […]}, and the records as a list below
// `records`: "dane by dane: TLS, verified by dane, names mx.example.com, records 3 1 1 ab…"
std::string demand_text(const Json& demand, const char* records);

}  // namespace posthaste::daemon::tool
