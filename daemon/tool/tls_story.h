// TlsStory: what the admin API and a probe say of TLS, told to a person. As story.h has it.
//
// Threads      any; no state.
// Errors       kCorrupt: that is no such answer.
// Does not     ask the daemon, or anybody; show bytes from outside unsanitized.
#pragma once

#include <string>
#include <string_view>

#include "daemon/tool/table.h"
#include "lib/base/result.h"

namespace posthaste::daemon::tool {

Result<std::string> tell_tls(std::string_view json, const Style& style);
Result<std::string> tell_tls_memory(std::string_view json, const Style& style);
Result<std::string> tell_tls_forgotten(std::string_view json, const Style& style);
// A report as RFC 8460 §4.4 has it.
Result<std::string> tell_tls_report(std::string_view json, const Style& style);
// What probe_json() has written.
Result<std::string> tell_probe(std::string_view json, const Style& style);

}  // namespace posthaste::daemon::tool
