// bind: a tree -> a Config.
//
// Threads      any; no state.
// Does not     look at single values, which validate() has done: what is wrong with one is taken as
//              zero here, so that the checks between fields still run and all errors of a file are
//              told at once.
#pragma once

#include "config/config.h"
#include "config/findings.h"
#include "config/section.h"

namespace posthaste::config {

// The Config is of use only while `findings` has no errors.
Config bind(const Section& file, Findings& findings);

// The parts of it that have files of their own.
Tls bind_tls(const Section& tls, Findings& findings);
std::vector<policy::TlsProfile> bind_profiles(const Section& tls, Findings& findings);
policy::RetryPolicies bind_retry(const Section& retry);
Replies bind_replies(const Section& replies, Findings& findings);
// The items of a list of rules; the errors are those between fields, and between rules.
std::vector<PlacedRule> bind_reply_rules(const std::vector<Section>& items, Findings& findings);
// An error, with what may have been meant, where `node` names none of them.
void check_profile_name(const Node& node, const std::vector<policy::TlsProfile>& known,
                        Findings& findings);
// "match" or "mx" of a rule.
std::vector<policy::DomainPattern> bind_patterns(const Section& rule, std::string_view key);

}  // namespace posthaste::config
