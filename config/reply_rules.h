// load_reply_rules: the text of a file of rules about replies -> rules, or all that is wrong with
// it.
//
// A file is a list of rules as it may stand below retry.replies.rules.
//
// Threads      any; no state.
// Limits       as load_config; the text may be anything, it is not trusted.
// Does not     read files, or know regular expressions: see daemon/reply_rule_files.h.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/diagnostic.h"

namespace posthaste::config {

struct RulesResult {
  std::vector<PlacedRule> rules;   // of use only while there are no errors
  std::vector<Diagnostic> errors;  // in the order of the file
};
RulesResult load_reply_rules(std::string_view yaml, std::string file_name);

// config/reply-rules.yaml as it was when this program was built, and its name in diagnostics.
std::string_view shipped_reply_rules();
inline constexpr std::string_view kShippedRulesName = "shipped reply-rules.yaml";

// All that count, of several lists in the order in which they do: a rule takes the place of those
// of its name in later lists.
std::vector<PlacedRule> rules_in_force(std::vector<std::vector<PlacedRule>> lists);

}  // namespace posthaste::config
