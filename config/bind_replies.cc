#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>

#include "config/bind.h"
#include "config/values.h"

namespace posthaste::config {
namespace {

using Fate = policy::RefusalMeaning::Fate;

policy::ReplyRule bind_rule(const Section& in) {
  constexpr std::array kFates{Fate::kAsSaid, Fate::kDefer, Fate::kBounce};
  policy::ReplyRule rule;
  rule.name = in.text("name").value_or("");
  rule.about = in.text("about").value_or("");
  rule.codes = in.texts("codes");
  rule.enhanced = in.texts("enhanced");
  rule.pattern = in.text("pattern").value_or("");
  rule.hosts = bind_patterns(in, "hosts");
  rule.stages = in.texts("stages");
  rule.retry_class = policy::parse_retry_class(in.text("class").value_or(""));
  rule.fate = parse_choice(in.text("fate").value_or(""), kFates).value_or(Fate::kAsSaid);
  rule.slow_down = parse_flag(in.text("slow_down").value_or(""));
  return rule;
}

bool any_given(const Section& in, std::initializer_list<std::string_view> keys) {
  return std::any_of(keys.begin(), keys.end(),
                     [&](std::string_view key) { return in.given(key) != nullptr; });
}

void check_rule(const Section& in, Findings& findings) {
  if (findings.has_errors()) return;  // a misspelt key may be the one that is missing
  if (!any_given(in, {"codes", "enhanced", "pattern", "hosts", "stages"})) {
    findings.error(in,
                   "this rule would hold for every reply; give it at least one of codes, enhanced, "
                   "pattern, hosts, stages");
  }
  if (!any_given(in, {"class", "fate", "slow_down"})) {
    findings.error(in, "this rule says nothing; give it at least one of class, fate, slow_down");
  }
}

}  // namespace

std::vector<PlacedRule> bind_reply_rules(const std::vector<Section>& items, Findings& findings) {
  std::vector<PlacedRule> rules;
  std::map<std::string, int> lines;
  for (const Section& item : items) {
    check_rule(item, findings);
    PlacedRule placed{bind_rule(item), findings.file(), item.line, item.column};
    if (const Node* pattern = item.given("pattern")) {
      placed.line = pattern->line;
      placed.column = pattern->column;
    }
    const auto [first, is_new] = lines.emplace(placed.rule.name, item.line);
    if (!is_new && !placed.rule.name.empty()) {
      findings.error(item, fmt::format("a second rule \"{}\"; the first is in line {}",
                                       placed.rule.name, first->second));
    }
    rules.push_back(std::move(placed));
  }
  return rules;
}

Replies bind_replies(const Section& replies, Findings& findings) {
  return {.rules = bind_reply_rules(replies.sections("rules"), findings),
          .files = replies.texts("files"),
          .shipped = parse_flag(replies.text("shipped").value_or("")).value_or(true)};
}

}  // namespace posthaste::config
