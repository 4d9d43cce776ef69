// Story: the admin API's JSON told to a person.
//
// Each function takes an answer of the API as it came; "now" is the daemon's, from the answer, so
// that nothing depends on the clock of whoever looks.
//
// Threads      any; no state.
// Errors       kCorrupt: that is no answer of this API.
// Does not     ask the daemon; show bytes from outside unsanitized (see printable).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.h"
#include "daemon/tool/table.h"
#include "lib/base/result.h"

namespace posthaste::daemon::tool {

Result<std::string> tell_status(std::string_view json, const Style& style);
Result<std::string> tell_queue(std::string_view json, const Style& style);
Result<std::string> tell_message(std::string_view json, const Style& style);
Result<std::string> tell_trace(std::string_view json, const Style& style);
Result<std::string> tell_config(std::string_view json);  // the YAML in it

// The words of an error answer, or the answer itself where it is none.
std::string tell_error(std::string_view json);

// What the tool itself has to say, as JSON: {"reply": …} of `send`; {"config": …} of a file.
std::string json_of(std::string_view key, std::string_view value);
// {"file": …, "ok": …, "diagnostics": [{"severity", "file", "line", "column", "words"}]}
std::string json_of(const std::string& file, const std::vector<config::Diagnostic>& diagnostics);

}  // namespace posthaste::daemon::tool
