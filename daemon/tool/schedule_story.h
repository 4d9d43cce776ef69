// The schedule told to a person: what falls due when, drawn as bars, and why it waits.
//
//   due within
//     1m            40 ggggggggggggggggggggggggggggcccccc
//     5m             1 c
//     15m            0
//
// A bar is made of the classes that its mail waits for, a letter or a colour each.
//
// Threads      any; no state.
// Errors       kCorrupt: that is no answer of this API.
// Does not     ask the daemon.
#pragma once

#include <string>
#include <string_view>

#include "daemon/tool/table.h"
#include "lib/base/result.h"

namespace posthaste::daemon::tool {

Result<std::string> tell_schedule(std::string_view json, const Style& style);

}  // namespace posthaste::daemon::tool
