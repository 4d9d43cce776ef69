// `posthaste tls import-postfix FILE`.
#include <fmt/format.h>

#include "daemon/tool/command.h"
#include "daemon/tool/installation.h"
#include "daemon/tool/postfix_table.h"
#include "daemon/tool/story.h"

namespace posthaste::daemon::tool {
namespace {

// As comments, so that they stay with the rules that they are about.
std::string comments_of(const std::string& file, const std::vector<PostfixRemark>& remarks) {
  std::string lines;
  for (const PostfixRemark& remark : remarks) {
    lines += fmt::format("# {}:{}: {}\n", file, remark.line, remark.words);
  }
  return lines;
}

}  // namespace

Outcome import_postfix_table(const Arguments& arguments, const Style& /*style*/) {
  const std::string& file = arguments.operands.at(0);
  const auto table = read_text(file);
  if (!table) return failed(table.error().words);
  const ImportedPolicy imported = import_postfix(*table);
  Outcome outcome = done(comments_of(file, imported.remarks) + imported.yaml);
  if (arguments.has("--json")) outcome.out = json_of("tls", outcome.out);
  if (imported.rules == 0) {
    outcome.status = kFailed;
    outcome.err = file + ": no rule could be made of it; it must be the text of a tls_policy table";
  }
  return outcome;
}

}  // namespace posthaste::daemon::tool
