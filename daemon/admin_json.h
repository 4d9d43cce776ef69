// The admin API's answers as JSON text. docs/admin-api.md lists the shapes; fields are added, never
// renamed.
//
// Times are RFC 3339 in UTC with milliseconds ("2026-11-21T22:08:43.123Z"), null where there is
// none.
//
// Threads      any; no state.
// Does not     ask anybody: whoever calls has the values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "daemon/admin_census.h"
#include "daemon/admin_queue.h"

namespace posthaste::daemon {

struct StatusView {
  std::string hostname;
  unsigned workers = 0;
  std::vector<config::Listen> listen;
  Instant started;
  bool ready = false;
  std::string ready_words;
  bool healthy = false;
  std::string health_words;
  bool store_trouble = false;
  bool store_gained = false;
  Snapshot snapshot;
};

std::string status_json(const StatusView& status, Instant now);
std::string queue_json(const QueuePage& page, Instant now);
// REQUIRES view.envelope.
std::string message_json(const MessageView& view, Instant now);
std::string trace_json(const MessageView& view, Instant now);
std::string schedule_json(const Census& census, Instant now);
// `profile`: what the policy names; nullptr: it is not configured, which config/ rules out.
std::string tls_json(const RoutingDomain& domain, const policy::ExplainedTlsPolicy& explained,
                     const policy::TlsProfile* profile);
std::string config_json(std::string_view yaml);
std::string error_json(std::string_view words);

}  // namespace posthaste::daemon
