// The commands that do something with mail in the queue.
#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "daemon/tool/console.h"
#include "daemon/tool/running_daemon.h"
#include "daemon/tool/steering_story.h"

namespace posthaste::daemon::tool {
namespace {

constexpr std::chrono::milliseconds kPollFirst{50};
constexpr std::chrono::milliseconds kPollMax{1'000};

bool over(const Json& steering) {
  return flag(steering, "dry_run") ? !flag(steering, "searching") : flag(steering, "done");
}

// Asks again until all is done; the last answer.
Result<ApiAnswer> wait_until_done(const RunningDaemon& daemon, ApiAnswer answer, Console& console,
                                  const Style& style) {
  for (auto pause = kPollFirst; answer.status == 200; pause = std::min(2 * pause, kPollMax)) {
    const auto json = parse_answer(answer.body);
    if (!json) return tl::unexpected(json.error());
    if (over(*json)) break;
    console.show(steering_progress(*json, style.width));
    std::this_thread::sleep_for(pause);
    auto next = daemon.get(fmt::format("/v1/steering/{}", number(*json, "ticket")));
    if (!next) return next;
    answer = std::move(*next);
  }
  console.clear();
  return answer;
}

std::string filter_of(const Arguments& arguments) {
  std::string filter = query_of(
      arguments, {"--domain", "--sender", "--older", "--younger", "--reason", "--state", "--id"});
  if (!arguments.operands.empty()) {
    filter += "&id=" + encode_component(arguments.operands.front());
  }
  return filter;
}

// How many recipients are meant.
Result<std::uint64_t> count(const RunningDaemon& daemon, const std::string& verb,
                            const std::string& filter, Console& console, const Style& style) {
  auto answer = daemon.post("/v1/queue/" + verb + "?dry_run=yes" + filter);
  if (answer) answer = wait_until_done(daemon, std::move(*answer), console, style);
  if (!answer) return tl::unexpected(answer.error());
  const auto json = parse_answer(answer->body);
  if (!json) return tl::unexpected(json.error());
  if (answer->status != 200) return fail(ErrorCode::kInvalid, text(*json, "error"));
  return number(*json, "found");
}

// What cannot be taken back, and what is meant for all, is asked for once more.
bool is_grave(const Arguments& arguments, std::string_view verb) {
  return arguments.has("--all") || verb == "remove" || verb == "bounce";
}

}  // namespace

Outcome steer_queue(const Arguments& arguments, const Style& style) {
  const std::string verb(arguments.command->name.substr(arguments.command->name.find(' ') + 1));
  const std::string filter = filter_of(arguments);
  const bool dry_run = arguments.has("--dry-run");
  if (arguments.has("--id") && !arguments.operands.empty()) {
    return {kNotUnderstood, {}, "name messages by --id, or one behind the command"};
  }
  const bool all = arguments.has("--all");
  if (all && !filter.empty()) {
    return {kNotUnderstood, {}, "--all means all mail: nothing narrows it down"};
  }
  if (filter.empty() && !all && !dry_run) {
    return {kNotUnderstood, {}, "say which mail (--domain, --sender, … or --all)"};
  }
  const auto daemon = RunningDaemon::find(arguments);
  if (!daemon) return failed(daemon.error().words);
  Console console(style);
  if (style.asks && !dry_run && !arguments.has("--yes") && is_grave(arguments, verb)) {
    const auto recipients = count(*daemon, verb, filter, console, style);
    if (!recipients) return failed(recipients.error().words);
    if (*recipients == 0) return done("nothing is queued that fits\n");
    if (!console.confirm(steering_question(verb, *recipients), false)) {
      return failed("nothing was done");
    }
  }
  auto answer = daemon->post("/v1/queue/" + verb + (dry_run ? "?dry_run=yes" : "?dry_run=no") +
                             (all ? "&all=yes" : "") + filter + query_of(arguments, {"--words"}));
  if (answer && !arguments.has("--no-wait")) {
    answer = wait_until_done(*daemon, std::move(*answer), console, style);
  }
  if (!answer) return failed(answer.error().words);
  return tell_answer(arguments, style, *answer, tell_steering);
}

Outcome show_steering(const Arguments& arguments, const Style& style) {
  return ask(arguments, style, "/v1/steering/" + encode_component(arguments.operands[0]),
             tell_steering);
}

Outcome suspend_mail(const Arguments& arguments, const Style& style) {
  std::string target =
      fmt::format("/v1/suspend?kind={}&pattern={}", encode_component(arguments.operands[0]),
                  encode_component(arguments.operands[1])) +
      query_of(arguments, {"--for", "--until"});
  if (arguments.has("--reason")) {
    target += "&words=" + encode_component(arguments.value("--reason"));
  }
  return ask(arguments, style, target, tell_suspension, Method::kPost);
}

Outcome resume_mail(const Arguments& arguments, const Style& style) {
  const bool all = arguments.has("--all");
  if (arguments.operands.size() != (all ? 0U : 2U)) {
    return {kNotUnderstood, {}, "say what to resume: a kind and a pattern, or --all"};
  }
  const std::string target =
      all ? "/v1/resume?all=yes"
          : fmt::format("/v1/resume?kind={}&pattern={}", encode_component(arguments.operands[0]),
                        encode_component(arguments.operands[1]));
  return ask(arguments, style, target, tell_resumed, Method::kPost);
}

Outcome show_suspensions(const Arguments& arguments, const Style& style) {
  return ask(arguments, style, "/v1/suspensions", tell_suspensions);
}

}  // namespace posthaste::daemon::tool
