// The commands that ask the daemon.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "daemon/tool/api_client.h"
#include "daemon/tool/command.h"
#include "daemon/tool/pages.h"
#include "daemon/tool/running_daemon.h"
#include "daemon/tool/schedule_story.h"
#include "daemon/tool/story.h"
#include "daemon/tool/tls_story.h"

namespace posthaste::daemon::tool {
namespace {

constexpr std::size_t kPageMax = 1000;  // of the API

// The value of --limit; 0: not given. nullopt: no number above 0.
std::optional<std::size_t> limit_of(const Arguments& arguments) {
  if (!arguments.has("--limit")) return 0;
  const std::string text = arguments.value("--limit");
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number == 0) return std::nullopt;
  return number;
}

Outcome bad_limit() { return {kNotUnderstood, {}, "--limit: expected a number above 0"}; }

struct List {
  const char* path;
  const char* items;  // what they are called in its answers
  Result<std::string> (*tell)(std::string_view json, const Style& style);
};

// Page after page, until there is enough or no more: a page may be short while others follow.
// `filter` begins with an ampersand where it is not empty.
Outcome list_pages(const Arguments& arguments, const Style& style, const List& which,
                   const std::string& filter = {}) {
  constexpr std::size_t kDefault = 100;
  const auto wanted = limit_of(arguments);
  if (!wanted) return bad_limit();
  const std::size_t limit = *wanted == 0 ? kDefault : *wanted;
  const auto daemon = RunningDaemon::find(arguments);
  if (!daemon) return failed(daemon.error().words);
  const bool json = arguments.has("--json");
  Pages pages(which.items);
  for (std::size_t count = 0; count < limit;) {
    const auto answer = daemon->get(fmt::format("{}?limit={}&cursor={}{}", which.path,
                                                std::min(limit - count, kPageMax),
                                                encode_component(pages.next()), filter));
    if (!answer) return failed(answer.error().words);
    if (answer->status != 200) return trouble(*answer, json);
    const auto added = pages.add(answer->body);
    if (!added) return failed(added.error().words);
    count = *added;
    if (pages.next().empty()) break;
  }
  return json ? done(pages.json()) : told(which.tell(pages.json(), style));
}

}  // namespace

Outcome show_status(const Arguments& arguments, const Style& style) {
  return ask(arguments, style, "/v1/status", tell_status);
}

Outcome show_message(const Arguments& arguments, const Style& style) {
  return ask(arguments, style, "/v1/messages/" + encode_component(arguments.operands[0]),
             tell_message);
}

Outcome trace_message(const Arguments& arguments, const Style& style) {
  return ask(arguments, style, "/v1/messages/" + encode_component(arguments.operands[0]) + "/trace",
             tell_trace);
}

Outcome show_schedule(const Arguments& arguments, const Style& style) {
  const auto limit = limit_of(arguments);
  if (!limit) return bad_limit();
  return ask(arguments, style,
             *limit == 0 ? "/v1/schedule" : fmt::format("/v1/schedule?limit={}", *limit),
             tell_schedule);
}

Outcome explain_tls(const Arguments& arguments, const Style& style) {
  return ask(arguments, style, "/v1/tls/explain?domain=" + encode_component(arguments.operands[0]),
             tell_tls);
}

Outcome show_tls_memory(const Arguments& arguments, const Style& style) {
  return list_pages(arguments, style, {"/v1/tls/memory", "entries", tell_tls_memory});
}

Outcome forget_tls(const Arguments& arguments, const Style& style) {
  return ask(arguments, style, "/v1/tls/forget?host=" + encode_component(arguments.operands[0]),
             tell_tls_forgotten, Method::kPost);
}

Outcome show_tls_report(const Arguments& arguments, const Style& style) {
  std::string target = "/v1/tls/report?domain=" + encode_component(arguments.operands[0]);
  if (arguments.has("--day")) target += "&day=" + encode_component(arguments.value("--day"));
  return ask(arguments, style, target, tell_tls_report);
}

Outcome list_queue(const Arguments& arguments, const Style& style) {
  const std::string filter =
      query_of(arguments, {"--domain", "--sender", "--older", "--younger", "--reason", "--state"});
  return list_pages(arguments, style, {"/v1/queue", "recipients", tell_queue}, filter);
}

Outcome show_config(const Arguments& arguments, const Style& style) {
  if (arguments.has("--config") && !arguments.has("--socket")) {
    return show_file(arguments.value("--config"), arguments.has("--json"));
  }
  return ask(arguments, style, "/v1/config",
             [](std::string_view json, const Style&) { return tell_config(json); });
}

}  // namespace posthaste::daemon::tool
