#include "daemon/tool/running_daemon.h"

#include "daemon/tool/installation.h"
#include "daemon/tool/story.h"

namespace posthaste::daemon::tool {

Result<RunningDaemon> RunningDaemon::find(const Arguments& arguments) {
  if (arguments.has("--socket")) return RunningDaemon(arguments.value("--socket"), {});
  auto installation = find_installation(arguments.value("--config"));
  if (!installation) return tl::unexpected(installation.error());
  return RunningDaemon(installation->config.admin.socket, std::move(installation->warning));
}

// Whoever asks in the wrong place has to know why it was this place.
Result<ApiAnswer> RunningDaemon::warned(Result<ApiAnswer> answer) const {
  if (!answer && !warning_.empty()) answer.error().words += "\n" + warning_;
  return answer;
}

Outcome trouble(const ApiAnswer& answer, bool json) {
  return {kFailed, json ? answer.body : std::string(), tell_error(answer.body)};
}

Outcome told(Result<std::string> story) {
  return story ? done(std::move(*story)) : failed(story.error().words);
}

Outcome tell_answer(const Arguments& arguments, const Style& style, const ApiAnswer& answer,
                    Teller tell) {
  const bool json = arguments.has("--json");
  if (answer.status != 200) return trouble(answer, json);
  return json ? done(answer.body) : told(tell(answer.body, style));
}

Outcome ask(const Arguments& arguments, const Style& style, const std::string& target, Teller tell,
            Method method) {
  const auto daemon = RunningDaemon::find(arguments);
  if (!daemon) return failed(daemon.error().words);
  const auto answer = method == Method::kGet ? daemon->get(target) : daemon->post(target);
  if (!answer) return failed(answer.error().words);
  return tell_answer(arguments, style, *answer, tell);
}

std::string query_of(const Arguments& arguments, std::initializer_list<std::string_view> options) {
  std::string query;
  for (const std::string_view option : options) {
    std::string joined;
    for (const auto& value : arguments.values(option)) {
      joined += (joined.empty() ? "" : ",") + value;
    }
    if (joined.empty()) continue;
    query += "&" + std::string(option.substr(2)) + "=" + encode_component(joined);
  }
  return query;
}

}  // namespace posthaste::daemon::tool
