// The commands about configuration files, which need no daemon.
#include <fmt/format.h>

#include "config/render.h"
#include "daemon/reply_rule_files.h"
#include "daemon/tool/command.h"
#include "daemon/tool/installation.h"
#include "daemon/tool/story.h"

namespace posthaste::daemon::tool {
namespace {

std::vector<config::Diagnostic> all_of(const config::LoadResult& loaded) {
  auto all = loaded.errors;
  all.insert(all.end(), loaded.warnings.begin(), loaded.warnings.end());
  return all;
}

std::string lines_of(const std::vector<config::Diagnostic>& diagnostics) {
  std::string lines;
  for (const auto& diagnostic : diagnostics) lines += config::render_diagnostic(diagnostic) + "\n";
  return lines;
}

// The files of rules that it names, too: a daemon would not start with them.
void check_replies(config::LoadResult& loaded) {
  loaded.errors = load_replies(loaded.config->replies).errors;
  if (!loaded.errors.empty()) loaded.config.reset();
}

}  // namespace

Outcome check_config(const Arguments& arguments, const Style& style) {
  const std::string named =
      arguments.operands.empty() ? arguments.value("--config") : arguments.operands[0];
  const std::string file = named.empty() ? kDefaultConfigFile : named;
  auto loaded = check_file(file);
  if (!loaded) return failed(loaded.error().words);
  if (loaded->config) check_replies(*loaded);
  const auto diagnostics = all_of(*loaded);
  const bool json = arguments.has("--json");
  std::string said = json ? json_of(file, diagnostics) : lines_of(diagnostics);
  if (!loaded->config) {
    const auto count = loaded->errors.size();
    return {kFailed, said, fmt::format("{}: {} error{}", file, count, count == 1 ? "" : "s")};
  }
  if (!json) said += file + ": " + style.good("ok") + "\n";
  return done(std::move(said));
}

Outcome show_file(const std::string& file, bool json) {
  const auto loaded = check_file(file);
  if (!loaded) return failed(loaded.error().words);
  if (!loaded->config) return failed("the file has errors\n" + lines_of(loaded->errors));
  std::string yaml = config::render_config(*loaded->config);
  return done(json ? json_of("config", yaml) : std::move(yaml));
}

Outcome show_schema(const Arguments& /*arguments*/, const Style& /*style*/) {
  return done(config::render_json_schema());
}

Outcome show_reference(const Arguments& /*arguments*/, const Style& /*style*/) {
  return done(config::render_reference());
}

}  // namespace posthaste::daemon::tool
