// HandshakeLine: what the log says of one handshake, in either direction: one line for each,
// whether it went well or not.
//
// Threads      any; no state.
// Does not     count; see tls_metrics.h.
#pragma once

#include <string>
#include <string_view>

#include "daemon/log.h"
#include "daemon/tls_metrics.h"
#include "lib/base/time.h"
#include "lib/policy/tls_facts.h"

namespace posthaste::daemon {

struct HandshakeLine {
  Direction direction = Direction::kInbound;
  TlsMode mode = TlsMode::kStartTls;
  std::string peer;  // "192.0.2.1:25"
  std::string profile;
  Duration took{};
  // Outbound only.
  std::string id;  // of the message that waits for it; another may go first
  std::string domain;
  std::string host;
  std::string_view level;  // in force
  std::string_view source;
};

void log_up(Log& log, const HandshakeLine& line, const policy::TlsFacts& facts);
// Also where there was no handshake to fail, since STARTTLS was not offered or refused.
void log_failed(Log& log, const HandshakeLine& line, policy::TlsFailure reason,
                std::string_view words);

}  // namespace posthaste::daemon
