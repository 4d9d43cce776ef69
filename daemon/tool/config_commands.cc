// The commands about configuration files, which need no daemon.
#include <fmt/format.h>

#include "config/render.h"
#include "daemon/tool/command.h"
#include "daemon/tool/installation.h"

namespace posthaste::daemon::tool {
namespace {

std::string all_lines(const std::vector<config::Diagnostic>& diagnostics) {
  std::string lines;
  for (const auto& diagnostic : diagnostics) lines += config::render_diagnostic(diagnostic) + "\n";
  return lines;
}

}  // namespace

Outcome check_config(const Arguments& arguments, const Style& style) {
  const std::string named =
      arguments.operands.empty() ? arguments.value("--config") : arguments.operands[0];
  const std::string file = named.empty() ? kDefaultConfigFile : named;
  const auto loaded = check_file(file);
  if (!loaded) return failed(loaded.error().words);
  const std::string lines = all_lines(loaded->errors) + all_lines(loaded->warnings);
  if (!loaded->config) {
    const auto count = loaded->errors.size();
    return {kFailed, lines, fmt::format("{}: {} error{}", file, count, count == 1 ? "" : "s")};
  }
  return done(lines + file + ": " + style.good("ok") + "\n");
}

Outcome show_file(const std::string& file) {
  const auto loaded = check_file(file);
  if (!loaded) return failed(loaded.error().words);
  if (!loaded->config) return failed("the file has errors\n" + all_lines(loaded->errors));
  return done(config::render_config(*loaded->config));
}

Outcome show_schema(const Arguments& /*arguments*/, const Style& /*style*/) {
  return done(config::render_json_schema());
}

Outcome show_reference(const Arguments& /*arguments*/, const Style& /*style*/) {
  return done(config::render_reference());
}

}  // namespace posthaste::daemon::tool
