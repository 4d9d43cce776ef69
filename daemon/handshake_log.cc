#include "daemon/handshake_log.h"

namespace posthaste::daemon {
namespace {

std::string_view name(Direction direction) {
  return direction == Direction::kInbound ? "inbound" : "outbound";
}
std::string_view name(TlsMode mode) { return mode == TlsMode::kStartTls ? "starttls" : "implicit"; }
std::string_view yes_or_no(bool value) { return value ? "yes" : "no"; }

std::string milliseconds(Duration took) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(took).count());
}

}  // namespace

void log_up(Log& log, const HandshakeLine& line, const policy::TlsFacts& facts) {
  if (!log.wants(LogLevel::kInfo)) return;
  log.write(LogLevel::kInfo, "tls_up",
            {{"id", line.id},
             {"direction", name(line.direction)},
             {"mode", name(line.mode)},
             {"domain", line.domain},
             {"host", line.host},
             {"peer", line.peer},
             {"profile", line.profile},
             {"level", line.level},
             {"source", line.source},
             {"version", facts.version},
             {"cipher", facts.cipher},
             {"group", facts.group},
             {"forward_secrecy", yes_or_no(facts.forward_secret)},
             {"resumed", yes_or_no(facts.resumed)},
             {"verified", yes_or_no(facts.verified)},
             {"authenticated_by", name(facts.authenticated_by)},
             {"verify_code", facts.certificate_present && facts.verify_code != 0
                                 ? std::to_string(facts.verify_code)
                                 : std::string()},
             {"subject", facts.subject},
             {"took_ms", milliseconds(line.took)}});
}

void log_failed(Log& log, const HandshakeLine& line, policy::TlsFailure reason,
                std::string_view words) {
  if (!log.wants(LogLevel::kInfo)) return;
  log.write(LogLevel::kInfo, "tls_failed",
            {{"id", line.id},
             {"direction", name(line.direction)},
             {"mode", name(line.mode)},
             {"domain", line.domain},
             {"host", line.host},
             {"peer", line.peer},
             {"profile", line.profile},
             {"level", line.level},
             {"source", line.source},
             {"reason", label(reason)},
             {"words", words}});
}

}  // namespace posthaste::daemon
