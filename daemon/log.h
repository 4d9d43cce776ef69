// Log: one structured line per event, to standard output (the journal), written off the loop
// threads.
//
// Threads      any. A line is formatted by the caller and handed to one writer thread; when more
//              than kQueuedMax lines wait, the oldest are dropped and counted, since a blocked
//              terminal must not block mail.
// Does not     rotate, filter by module, write files.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

namespace spdlog {
class logger;
namespace details {
class thread_pool;
}
}  // namespace spdlog

namespace posthaste::daemon {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError };
enum class LogFormat : std::uint8_t { kLogfmt, kJson };

struct LogField {
  std::string_view key;
  std::string_view value;  // empty: the field is left out
};

class Log {
 public:
  static constexpr std::size_t kQueuedMax = 32'768;

  Log(LogLevel level, LogFormat format);
  ~Log();  // writes what is queued
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  bool wants(LogLevel level) const { return level >= level_; }
  // `event` is a fixed word such as "accepted"; what may change goes into the fields.
  void write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields);
  // Lines may wait in a buffer until this is called (a timer does), or until a warning comes.
  void flush();
  // Lines dropped because the writer could not keep up.
  std::uint64_t dropped() const;

 private:
  const LogLevel level_;
  const LogFormat format_;
  std::shared_ptr<spdlog::details::thread_pool> pool_;
  std::shared_ptr<spdlog::logger> logger_;
};

}  // namespace posthaste::daemon
