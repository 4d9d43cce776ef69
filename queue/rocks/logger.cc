#include "queue/rocks/logger.h"

#include <array>
#include <cstdarg>
#include <cstdio>
#include <utility>

namespace posthaste::queue {
namespace {

LogLevel our_level(rocksdb::InfoLogLevel level) {
  switch (level) {
    case rocksdb::DEBUG_LEVEL: return LogLevel::kDebug;
    case rocksdb::WARN_LEVEL: return LogLevel::kWarning;
    case rocksdb::ERROR_LEVEL:
    case rocksdb::FATAL_LEVEL: return LogLevel::kError;
    case rocksdb::INFO_LEVEL:
    case rocksdb::HEADER_LEVEL:
    case rocksdb::NUM_INFO_LOG_LEVELS: return LogLevel::kInfo;
  }
  return LogLevel::kInfo;
}

}  // namespace

Logger::Logger(LogFunction log)
    : rocksdb::Logger(rocksdb::InfoLogLevel::WARN_LEVEL), log_(std::move(log)) {}

void Logger::Logv(rocksdb::InfoLogLevel level, const char* format, va_list arguments) {
  if (!log_ || level < GetInfoLogLevel() || level == rocksdb::HEADER_LEVEL) return;
  std::array<char, 1024> line{};
  const int size = std::vsnprintf(line.data(), line.size(), format, arguments);
  if (size < 0) return;
  const auto shown = std::min(static_cast<std::size_t>(size), line.size() - 1);
  log_(our_level(level), "rocksdb: " + std::string(line.data(), shown));
}

void Logger::Logv(const char* format, va_list arguments) {
  Logv(rocksdb::InfoLogLevel::INFO_LEVEL, format, arguments);
}

// RocksDB introduces itself with its options, hundreds of lines at each start.
void Logger::LogHeader(const char*, va_list) {}

}  // namespace posthaste::queue
