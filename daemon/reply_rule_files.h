// load_replies: the rules about replies that a configuration names: its own, those of its files
// and the shipped ones, put in order and compiled.
//
// Threads      any; no state. Reads files.
// Limits       1 MiB a file.
// Does not     say what a rule means: see lib/policy/reply_rules.h.
#pragma once

#include <memory>
#include <vector>

#include "config/reply_rules.h"
#include "lib/policy/reply_rules.h"

namespace posthaste::daemon {

struct LoadedReplies {
  std::shared_ptr<const policy::ReplyRules> rules;  // null if and only if there are errors
  std::vector<config::PlacedRule> placed;           // the same, and where each one stands
  std::vector<config::Diagnostic> errors;           // of all files at once
};
LoadedReplies load_replies(const config::Replies& replies);

}  // namespace posthaste::daemon
