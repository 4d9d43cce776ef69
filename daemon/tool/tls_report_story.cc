#include <fmt/format.h>

#include "daemon/tool/answer.h"
#include "daemon/tool/tls_story.h"

namespace posthaste::daemon::tool {
namespace {

std::string policy_block(const Json& entry, const Style& style) {
  const Json policy = part(entry, "policy"), summary = part(entry, "summary");
  std::string said = "\n" + style.bold(text(policy, "policy-type")) + "\n";
  for (const auto& line : list(policy, "policy-string")) {
    if (line.is_string()) said += "  " + printable(line.get<std::string>()) + "\n";
  }
  said += fact("sessions", fmt::format("{} came up, {} failed",
                                       number(summary, "total-successful-session-count"),
                                       number(summary, "total-failure-session-count")));
  Table table({{"FAILED", Align::kRight}, {"RESULT"}, {"HOST"}, {"ADDRESS"}, {"REASON"}});
  for (const auto& failure : list(entry, "failure-details")) {
    table.add({std::to_string(number(failure, "failed-session-count")),
               text(failure, "result-type"), text(failure, "receiving-mx-hostname"),
               text(failure, "receiving-ip"), text(failure, "failure-reason-code")});
  }
  return table.empty() ? said : said + table.render(style);
}

}  // namespace

Result<std::string> tell_tls_report(std::string_view answer, const Style& style) {
  const auto json = parse_answer(answer);
  if (!json) return tl::unexpected(json.error());
  const Json policies = list(*json, "policies");
  std::string domain;
  for (const auto& entry : policies) domain = text(part(entry, "policy"), "policy-domain");
  std::string said = fmt::format("TLS to {} on {}\n", style.bold(domain),
                                 text(part(*json, "date-range"), "start-datetime").substr(0, 10));
  for (const auto& entry : policies) said += policy_block(entry, style);
  return said;
}

}  // namespace posthaste::daemon::tool
