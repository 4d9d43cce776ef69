#include "daemon/reply_rule_files.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>
#include <utility>

#include "lib/pattern/pattern_set.h"

namespace posthaste::daemon {
namespace {

using config::Diagnostic;
using config::PlacedRule;
using config::Severity;

constexpr std::size_t kBytesMax = std::size_t{1} << 20;

// One octet more than a file may have, so that the parser sees that it is too long.
std::optional<std::string> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text(kBytesMax + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad() || (in.fail() && !in.eof())) return std::nullopt;
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

std::vector<PlacedRule> take(config::RulesResult result, std::vector<Diagnostic>& errors) {
  errors.insert(errors.end(), result.errors.begin(), result.errors.end());
  return std::move(result.rules);
}

std::vector<PlacedRule> rules_of_file(const std::string& path, std::vector<Diagnostic>& errors) {
  errno = 0;
  if (const auto text = read_file(path)) return take(config::load_reply_rules(*text, path), errors);
  errors.push_back({Severity::kError, path, 0, 0,
                    fmt::format("cannot be read: {}; retry.replies.files names it",
                                std::strerror(errno == 0 ? EIO : errno))});
  return {};
}

}  // namespace

LoadedReplies load_replies(const config::Replies& replies) {
  LoadedReplies loaded;
  std::vector<std::vector<PlacedRule>> lists{replies.rules};
  for (const auto& path : replies.files) lists.push_back(rules_of_file(path, loaded.errors));
  if (replies.shipped) {
    lists.push_back(take(config::load_reply_rules(config::shipped_reply_rules(),
                                                  std::string(config::kShippedRulesName)),
                         loaded.errors));
  }
  if (!loaded.errors.empty()) return loaded;

  std::vector<policy::ReplyRule> rules;
  std::vector<const PlacedRule*> having_pattern;
  std::vector<std::string> patterns;
  loaded.placed = config::rules_in_force(std::move(lists));
  for (const PlacedRule& placed : loaded.placed) {
    rules.push_back(placed.rule);
    if (placed.rule.pattern.empty()) continue;
    having_pattern.push_back(&placed);
    patterns.push_back(placed.rule.pattern);
  }
  auto set = pattern::compile_patterns(patterns);
  if (!set) {
    const PlacedRule& at = *having_pattern.at(set.error().place);
    loaded.errors.push_back(
        {Severity::kError, at.file, at.line, at.column,
         fmt::format("\"pattern\" of rule \"{}\": {}", at.rule.name, set.error().words)});
    return loaded;
  }
  loaded.rules = std::make_shared<policy::ReplyRules>(std::move(rules), std::move(*set));
  return loaded;
}

}  // namespace posthaste::daemon
