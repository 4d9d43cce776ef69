// What the operator did with the queue, told to him: steering and suspensions.
//
// Threads      any; no state.
// Errors       kCorrupt: that is no answer of this API.
// Does not     ask the daemon.
#pragma once

#include <string>
#include <string_view>

#include "daemon/tool/answer.h"
#include "daemon/tool/table.h"
#include "lib/base/result.h"

namespace posthaste::daemon::tool {

// One line for a terminal, while it is not done: "hold  [####------]  1,200 of 3,000".
std::string steering_progress(const Json& steering, std::size_t width);
// "1,234 recipients held"; for a dry run what would be.
Result<std::string> tell_steering(std::string_view json, const Style& style);
// "really remove 1,234 recipients? (yes)"
std::string steering_question(std::string_view verb, std::uint64_t recipients);

Result<std::string> tell_suspension(std::string_view json, const Style& style);
Result<std::string> tell_resumed(std::string_view json, const Style& style);
Result<std::string> tell_suspensions(std::string_view json, const Style& style);

}  // namespace posthaste::daemon::tool
