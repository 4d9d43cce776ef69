// What an inspection of the queue's files has found, told to a person and to machines.
//
// Threads      any; no state.
// Does not     inspect: see queue/rocks/inspection.h.
#pragma once

#include <string>

#include "daemon/tool/table.h"
#include "queue/rocks/inspection.h"

namespace posthaste::daemon::tool {

std::string tell_queue_report(const std::string& directory, const queue::QueueReport& report,
                              const Style& style);
// {directory, sound, schema, epoch, messages, recipients, held, arriving, bodies_bytes,
//  history_events, notes, set_aside, files_bytes, problems: {corrupt: n, …},
//  examples: [{kind, key, words}]}
std::string queue_report_json(const std::string& directory, const queue::QueueReport& report);

}  // namespace posthaste::daemon::tool
