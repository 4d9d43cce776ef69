#include "lib/policy/reply_rules.h"

#include <utility>

namespace posthaste::policy {

ReplyRules::ReplyRules(std::vector<ReplyRule> rules, std::unique_ptr<const PatternSet> patterns)
    : rules_(std::move(rules)), patterns_(std::move(patterns)) {}
ReplyRules::~ReplyRules() = default;
ReplyRules::ReplyRules(ReplyRules&&) noexcept = default;
ReplyRules& ReplyRules::operator=(ReplyRules&&) noexcept = default;

RefusalMeaning ReplyRules::meaning_of(const RefusalFacts& refusal) const {
  RefusalMeaning meaning;
  meaning.retry_class = classify_reply(refusal.code, refusal.subject, refusal.detail);
  meaning.slow_down = meaning.retry_class == RetryClass::kThrottled;
  return meaning;
}

}  // namespace posthaste::policy
