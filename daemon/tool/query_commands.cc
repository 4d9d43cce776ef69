// The commands that ask the daemon.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "daemon/tool/api_client.h"
#include "daemon/tool/command.h"
#include "daemon/tool/installation.h"
#include "daemon/tool/story.h"
#include "daemon/tool/tls_story.h"

namespace posthaste::daemon::tool {
namespace {

constexpr std::size_t kPageMax = 1000;  // of the API

using Teller = Result<std::string> (*)(std::string_view json, const Style& style);

// The daemon as the arguments name it.
class Daemon {
 public:
  static Result<Daemon> find(const Arguments& arguments) {
    if (arguments.has("--socket")) return Daemon(arguments.value("--socket"), {});
    auto installation = find_installation(arguments.value("--config"));
    if (!installation) return tl::unexpected(installation.error());
    return Daemon(installation->config.admin.socket, std::move(installation->warning));
  }

  Result<ApiAnswer> get(const std::string& target) const { return warned(client_.get(target)); }
  Result<ApiAnswer> post(const std::string& target) const { return warned(client_.post(target)); }

 private:
  // Whoever asks in the wrong place has to know why it was this place.
  Result<ApiAnswer> warned(Result<ApiAnswer> answer) const {
    if (!answer && !warning_.empty()) answer.error().words += "\n" + warning_;
    return answer;
  }
  Daemon(std::string socket, std::string warning)
      : client_(std::move(socket)), warning_(std::move(warning)) {}
  ApiClient client_;
  std::string warning_;
};

Outcome trouble(const ApiAnswer& answer, bool json) {
  return {kFailed, json ? answer.body : std::string(), tell_error(answer.body)};
}

Outcome told(Result<std::string> story) {
  return story ? done(std::move(*story)) : failed(story.error().words);
}

enum class Method : bool { kGet, kPost };

// Asks one question and tells the answer.
Outcome ask(const Arguments& arguments, const Style& style, const std::string& target, Teller tell,
            Method method = Method::kGet) {
  const auto daemon = Daemon::find(arguments);
  if (!daemon) return failed(daemon.error().words);
  const auto answer = method == Method::kGet ? daemon->get(target) : daemon->post(target);
  if (!answer) return failed(answer.error().words);
  const bool json = arguments.has("--json");
  if (answer->status != 200) return trouble(*answer, json);
  return json ? done(answer->body) : told(tell(answer->body, style));
}

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
  return ask(arguments, style, "/v1/tls/memory", tell_tls_memory);
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

// Page after page, until there is enough or no more: a page may be short while others follow.
Outcome list_queue(const Arguments& arguments, const Style& style) {
  constexpr std::size_t kDefault = 100;
  const auto wanted = limit_of(arguments);
  if (!wanted) return bad_limit();
  const std::size_t limit = *wanted == 0 ? kDefault : *wanted;
  const auto daemon = Daemon::find(arguments);
  if (!daemon) return failed(daemon.error().words);
  const std::string filter =
      fmt::format("domain={}&sender={}", encode_component(arguments.value("--domain")),
                  encode_component(arguments.value("--sender")));
  const bool json = arguments.has("--json");
  QueuePages pages;
  for (std::size_t count = 0; count < limit;) {
    const auto answer =
        daemon->get(fmt::format("/v1/queue?{}&limit={}&cursor={}", filter,
                                std::min(limit - count, kPageMax), encode_component(pages.next())));
    if (!answer) return failed(answer.error().words);
    if (answer->status != 200) return trouble(*answer, json);
    const auto added = pages.add(answer->body);
    if (!added) return failed(added.error().words);
    count = *added;
    if (pages.next().empty()) break;
  }
  return json ? done(pages.json()) : told(tell_queue(pages.json(), style));
}

Outcome show_config(const Arguments& arguments, const Style& style) {
  if (arguments.has("--config") && !arguments.has("--socket")) {
    return show_file(arguments.value("--config"), arguments.has("--json"));
  }
  return ask(arguments, style, "/v1/config",
             [](std::string_view json, const Style&) { return tell_config(json); });
}

}  // namespace posthaste::daemon::tool
