#include "daemon/tool/queue_report_story.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/tool/answer.h"

namespace posthaste::daemon::tool {
namespace {

constexpr std::size_t kExamplesShown = 20;
constexpr const char* kAdvice =
    "\nThe daemon sets such records aside when it meets them, says so in its log, and goes on "
    "with\n"
    "the rest; mail is lost only where its own record is named above. Copy the folder before\n"
    "anything else, look at the disk (dmesg, smartctl), and see docs/durability.md.\n";

std::string name_of(std::size_t kind) {
  return std::string(name(static_cast<queue::ProblemKind>(kind)));
}

std::string problems_text(const queue::QueueReport& report, const Style& style) {
  std::string said;
  for (std::size_t kind = 0; kind < report.problems.size(); ++kind) {
    if (report.problems[kind] == 0) continue;
    said += fmt::format("  {:<15} {:>12}\n", name_of(kind), grouped(report.problems[kind]));
  }
  Table table({{"PROBLEM"}, {"WHERE", Align::kLeft, true}, {"WORDS"}});
  for (std::size_t i = 0; i < std::min(kExamplesShown, report.examples.size()); ++i) {
    const auto& each = report.examples[i];
    table.add({std::string(name(each.kind)), each.key, each.words});
  }
  if (!table.empty()) said += "\n" + table.render(style);
  return said + kAdvice;
}

}  // namespace

std::string tell_queue_report(const std::string& directory, const queue::QueueReport& report,
                              const Style& style) {
  std::string said = style.bold("queue in " + printable(directory)) + "\n";
  said += fact("format", std::to_string(report.schema));
  said += fact("messages", grouped(report.messages));
  said += fact("recipients", grouped(report.waiting) +
                                 (report.held == 0 ? "" : ", " + grouped(report.held) + " held"));
  said += fact("arriving", report.arriving == 0 ? "" : plural(report.arriving, "message"));
  said += fact("bodies", plural(report.bodies_bytes, "byte"));
  said += fact("history", plural(report.history_events, "event"));
  said += fact("on disk", plural(report.files_bytes, "byte"));
  if (report.set_aside != 0) {
    said += fact("set aside", plural(report.set_aside, "record") + " that could not be read");
  }
  if (report.sound()) return said + "\n" + style.good("all of it is sound") + "\n";
  return said + "\n" + style.bad("it is damaged") + "\n" + problems_text(report, style);
}

std::string queue_report_json(const std::string& directory, const queue::QueueReport& report) {
  Json problems = Json::object();
  for (std::size_t kind = 0; kind < report.problems.size(); ++kind) {
    problems[name_of(kind)] = report.problems[kind];
  }
  Json examples = Json::array();
  for (const auto& each : report.examples) {
    examples.push_back({{"kind", name(each.kind)}, {"key", each.key}, {"words", each.words}});
  }
  return text_of({{"directory", directory},
                  {"sound", report.sound()},
                  {"schema", report.schema},
                  {"epoch", report.epoch},
                  {"messages", report.messages},
                  {"recipients", report.waiting},
                  {"held", report.held},
                  {"arriving", report.arriving},
                  {"bodies_bytes", report.bodies_bytes},
                  {"history_events", report.history_events},
                  {"notes", report.notes},
                  {"set_aside", report.set_aside},
                  {"files_bytes", report.files_bytes},
                  {"problems", std::move(problems)},
                  {"examples", std::move(examples)}});
}

}  // namespace posthaste::daemon::tool
