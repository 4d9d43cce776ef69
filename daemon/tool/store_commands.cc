// The commands about the queue's files: a copy of them, and whether they are sound.
#include <fmt/format.h>

#include <filesystem>
#include <thread>

#include "daemon/tool/answer.h"
#include "daemon/tool/console.h"
#include "daemon/tool/installation.h"
#include "daemon/tool/queue_report_story.h"
#include "daemon/tool/running_daemon.h"
#include "queue/rocks/inspection.h"

namespace posthaste::daemon::tool {
namespace {

constexpr std::chrono::milliseconds kPoll{200};

Result<std::string> tell_backup(std::string_view answer, const Style&) {
  const auto json = parse_answer(answer);
  if (!json) return tl::unexpected(json.error());
  if (const std::string trouble = text(*json, "trouble"); !trouble.empty()) {
    return fail(ErrorCode::kIo, trouble);
  }
  const std::string directory = text(*json, "dir");
  return fmt::format("the queue is copied to {}; posthaste queue check --dir {} looks at it\n",
                     directory, directory);
}

// Where the daemon of this configuration has its queue.
Result<std::string> queue_directory(const Arguments& arguments) {
  if (arguments.has("--dir")) return arguments.value("--dir");
  if (arguments.has("--data-dir")) return arguments.value("--data-dir") + "/queue";
  const auto installation = find_installation(arguments.value("--config"));
  if (!installation) return tl::unexpected(installation.error());
  return installation->config.data_dir + "/queue";
}

}  // namespace

Outcome back_up_queue(const Arguments& arguments, const Style& style) {
  const auto daemon = RunningDaemon::find(arguments);
  if (!daemon) return failed(daemon.error().words);
  // The daemon works somewhere else.
  const std::string directory = std::filesystem::absolute(arguments.operands[0]).string();
  Console console(style);
  auto answer = daemon->post("/v1/backup?dir=" + encode_component(directory));
  for (; answer && answer->status == 200; answer = daemon->get("/v1/backup")) {
    const auto json = parse_answer(answer->body);
    if (!json) return failed(json.error().words);
    if (!flag(*json, "running")) {
      auto outcome = tell_answer(arguments, style, *answer, tell_backup);
      if (!flag(*json, "done")) outcome.status = kFailed;
      return outcome;
    }
    console.show("copying to " + text(*json, "dir"));
    std::this_thread::sleep_for(kPoll);
  }
  return answer ? trouble(*answer, arguments.has("--json")) : failed(answer.error().words);
}

Outcome check_queue(const Arguments& arguments, const Style& style) {
  const auto directory = queue_directory(arguments);
  if (!directory) return failed(directory.error().words);
  Console console(style);
  const auto report =
      queue::inspect_queue(*directory, [&](std::string_view what, std::uint64_t read) {
        console.show(fmt::format("reading {}: {}", what, grouped(read)));
      });
  console.clear();
  if (!report) return failed(report.error().words);
  const int status = report->sound() ? kDone : kFailed;
  return {status,
          arguments.has("--json") ? queue_report_json(*directory, *report)
                                  : tell_queue_report(*directory, *report, style),
          {}};
}

}  // namespace posthaste::daemon::tool
