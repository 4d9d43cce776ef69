#include "config/reply_rules.h"

#include <set>
#include <utility>

#include "config/bind.h"
#include "config/node.h"
#include "config/validate.h"

namespace posthaste::config {
namespace {

constexpr const char* kPath = "retry.replies.rules";

}  // namespace

RulesResult load_reply_rules(std::string_view yaml, std::string file_name) {
  Findings findings(std::move(file_name));
  const Node root = parse_yaml(yaml, findings);
  RulesResult result;
  if (!findings.has_errors()) {
    validate_as(kPath, root, findings);
    result.rules = bind_reply_rules(Section::items_of(root, kPath), findings);
  }
  result.errors = findings.take_errors();
  return result;
}

std::vector<PlacedRule> rules_in_force(std::vector<std::vector<PlacedRule>> lists) {
  std::vector<PlacedRule> rules;
  std::set<std::string> names;
  for (auto& list : lists) {
    for (PlacedRule& placed : list) {
      if (names.insert(placed.rule.name).second) rules.push_back(std::move(placed));
    }
  }
  return rules;
}

}  // namespace posthaste::config
