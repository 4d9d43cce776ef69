// posthaste rehearse: a configuration against a pretend Internet, under virtual time.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "config/values.h"
#include "daemon/rehearsal/rehearsal.h"
#include "daemon/rehearsal/scenario_reader.h"
#include "daemon/reply_rule_files.h"
#include "daemon/tool/command.h"
#include "daemon/tool/installation.h"
#include "daemon/tool/rehearsal_story.h"
#include "daemon/wiring.h"

namespace posthaste::daemon::tool {
namespace {

constexpr const char* kMachineName = "mta.rehearsal.example";

struct Side {
  std::string name;
  std::shared_ptr<const delivery::Options> options;
};

// `file`: empty: the default file, or the built-in defaults.
Result<Side> read_side(const std::string& file) {
  auto installation = find_installation(file);
  if (!installation) return tl::unexpected(installation.error());
  const auto replies = load_replies(installation->config.replies);
  if (replies.rules == nullptr) {
    return fail(ErrorCode::kInvalid, config::render_diagnostic(replies.errors.front()));
  }
  const auto runtime =
      make_runtime(std::move(installation->config), kMachineName, 1, replies.rules);
  const std::size_t slash = file.rfind('/');
  return Side{file.empty() ? "default" : file.substr(slash + 1), runtime->engine};
}

// On a terminal, where it goes to standard error, so that the results can be kept.
rehearsal::Progress progress_of(const std::string& name) {
  if (isatty(STDERR_FILENO) == 0) return nullptr;
  return [name](double done) {
    std::fprintf(stderr, "\r%s: %3.0f %%", name.c_str(), done * 100);
    if (done >= 1) std::fprintf(stderr, "\r\x1b[K");
    std::fflush(stderr);
  };
}

std::string errors_of(const rehearsal::ParsedScenario& parsed) {
  std::string words;
  for (const auto& error : parsed.errors) {
    words += (words.empty() ? "" : "\n") + config::render_diagnostic(error);
  }
  return words;
}

Result<rehearsal::Scenario> read_scenario(const std::string& file) {
  const auto text = read_text(file);
  if (!text) return tl::unexpected(text.error());
  auto parsed = rehearsal::parse_scenario(*text, file);
  if (!parsed.scenario) {
    return fail(ErrorCode::kInvalid, "the scenario has errors\n" + errors_of(parsed));
  }
  return *std::move(parsed.scenario);
}

}  // namespace

Outcome rehearse(const Arguments& arguments, const Style& style) {
  if (!arguments.has("--scenario")) return {kNotUnderstood, {}, "say which --scenario FILE"};
  const auto seed = config::parse_count(arguments.has("--seed") ? arguments.value("--seed") : "1");
  if (!seed) return {kNotUnderstood, {}, "--seed takes a number"};
  const auto scenario = read_scenario(arguments.value("--scenario"));
  if (!scenario) return failed(scenario.error().words);
  std::vector<Side> sides;
  std::vector<rehearsal::Results> results;
  for (const auto* option : {"--config", "--against"}) {
    if (option == std::string_view("--against") && !arguments.has(option)) continue;
    auto side = read_side(arguments.value(option));
    if (!side) return failed(side.error().words);
    sides.push_back(*std::move(side));
  }
  for (const Side& side : sides) {
    auto made = rehearsal::rehearse(*scenario, side.options, *seed, progress_of(side.name));
    if (!made) return failed(made.error().words);
    results.push_back(*std::move(made));
  }
  const bool json = arguments.has("--json");
  if (sides.size() == 1) {
    return done(json ? rehearsal_json(scenario->title, results[0])
                     : tell_rehearsal(scenario->title, results[0], style));
  }
  const Compared one{sides[0].name, results[0]}, other{sides[1].name, results[1]};
  return done(json ? comparison_json(scenario->title, one, other)
                   : tell_comparison(scenario->title, one, other, style));
}

}  // namespace posthaste::daemon::tool
