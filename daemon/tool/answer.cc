#include "daemon/tool/answer.h"

#include <fmt/format.h>

#include "daemon/tool/table.h"
#include "lib/mail/date.h"

namespace posthaste::daemon::tool {

Result<Json> parse_answer(std::string_view text) {
  Json json = Json::parse(text, nullptr, false);
  if (json.is_object()) return json;
  return fail(ErrorCode::kCorrupt, "the daemon's answer is not understood; is it of this version?");
}

std::string text(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? printable(found->get<std::string>())
                                                   : std::string();
}

std::uint64_t number(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

bool flag(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_boolean() && found->get<bool>();
}

Json list(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_array() ? *found : Json::array();
}

Json part(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_object() ? *found : Json::object();
}

std::optional<Instant> time(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string()
             ? mail::parse_timestamp(found->get<std::string>())
             : std::nullopt;
}

Instant now_of(const Json& json) { return time(json, "now").value_or(Instant{}); }

std::string joined(const Json& json, const char* key) {
  std::string all;
  for (const auto& each : list(json, key)) {
    if (!each.is_string()) continue;
    all += (all.empty() ? "" : ", ") + printable(each.get<std::string>());
  }
  return all;
}

std::string grouped(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, 1, ',');
  return text;
}

std::string plural(std::uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", grouped(count), noun, count == 1 ? "" : "s");
}

std::string fact(std::string_view name, std::string_view value, int width) {
  return value.empty() ? std::string() : fmt::format("  {:<{}} {}\n", name, width, value);
}

}  // namespace posthaste::daemon::tool
