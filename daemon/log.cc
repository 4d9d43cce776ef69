#include "daemon/log.h"

#include <fmt/format.h>
#include <spdlog/async.h>
#include <spdlog/async_logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <nlohmann/json.hpp>

namespace posthaste::daemon {
namespace {

constexpr std::string_view kLevelNames[] = {"debug", "info", "warning", "error"};

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return spdlog::level::debug;
    case LogLevel::kInfo: return spdlog::level::info;
    case LogLevel::kWarning: return spdlog::level::warn;
    case LogLevel::kError: return spdlog::level::err;
  }
  return spdlog::level::info;
}

bool needs_quotes(std::string_view value) {
  for (const char c : value) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet <= ' ' || c == '"' || c == '=' || c == '\\' || octet == 0x7f) return true;
  }
  return false;
}

// logfmt: key=value, quoted where needed; a value can never begin a new line or a new field.
void append_logfmt(fmt::memory_buffer& line, std::string_view key, std::string_view value) {
  fmt::format_to(std::back_inserter(line), " {}=", key);
  if (!needs_quotes(value)) {
    line.append(value);
    return;
  }
  line.push_back('"');
  for (const char c : value) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      line.push_back('\\');
      line.push_back(c);
    } else if (c == '\n') {
      line.append(std::string_view("\\n"));
    } else if (octet < ' ' || octet == 0x7f) {
      line.push_back('?');
    } else {
      line.push_back(c);
    }
  }
  line.push_back('"');
}

std::string json_line(LogLevel level, std::string_view event,
                      std::initializer_list<LogField> fields) {
  nlohmann::ordered_json line;
  line["level"] = kLevelNames[static_cast<int>(level)];
  line["event"] = event;
  for (const auto& field : fields) {
    if (!field.value.empty()) line[std::string(field.key)] = field.value;
  }
  return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

Log::Log(LogLevel level, LogFormat format)
    : level_(level),
      format_(format),
      pool_(std::make_shared<spdlog::details::thread_pool>(kQueuedMax, 1)) {
  auto sink = std::make_shared<spdlog::sinks::stdout_sink_mt>();
  logger_ = std::make_shared<spdlog::async_logger>("posthaste", std::move(sink), pool_,
                                                   spdlog::async_overflow_policy::overrun_oldest);
  logger_->set_level(to_spdlog(level));
  logger_->flush_on(spdlog::level::warn);
  logger_->set_pattern(format == LogFormat::kJson ? R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z",%v)"
                                                  : "time=%Y-%m-%dT%H:%M:%S.%e%z %v");
}

Log::~Log() {
  logger_->flush();
  pool_.reset();  // joins the writer after the last line, so that the logger ends in this thread
  logger_.reset();
}

void Log::write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  if (!wants(level)) return;
  if (format_ == LogFormat::kJson) {
    logger_->log(to_spdlog(level), std::string_view(json_line(level, event, fields)).substr(1));
    return;
  }
  fmt::memory_buffer line;
  fmt::format_to(std::back_inserter(line), "level={} event={}",
                 kLevelNames[static_cast<int>(level)], event);
  for (const auto& field : fields) {
    if (!field.value.empty()) append_logfmt(line, field.key, field.value);
  }
  logger_->log(to_spdlog(level), std::string_view(line.data(), line.size()));
}

void Log::flush() { logger_->flush(); }

std::uint64_t Log::dropped() const { return pool_->overrun_counter(); }

}  // namespace posthaste::daemon
