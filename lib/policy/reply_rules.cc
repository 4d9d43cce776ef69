#include "lib/policy/reply_rules.h"

#include <algorithm>
#include <array>
#include <utility>

namespace posthaste::policy {
namespace {

// Of a long text the rest is not looked at.
constexpr std::size_t kTextMax = 1024;

// One line with single spaces: a phrase may have been broken anywhere.
std::string unfolded(std::string_view text) {
  std::string line;
  line.reserve(std::min(text.size(), kTextMax));
  for (const char c : text.substr(0, kTextMax)) {
    const bool space = c == ' ' || c == '\n' || c == '\r' || c == '\t';
    if (!space) {
      line += c;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  return line;
}

// "45x" and "451": an x is any digit.
bool code_matches(std::string_view pattern, int code) {
  const std::array<char, 3> digits{static_cast<char>('0' + code / 100 % 10),
                                   static_cast<char>('0' + code / 10 % 10),
                                   static_cast<char>('0' + code % 10)};
  return pattern.size() == digits.size() &&
         std::equal(pattern.begin(), pattern.end(), digits.begin(),
                    [](char wanted, char digit) { return wanted == 'x' || wanted == digit; });
}

// Takes "7." off the front of "7.x", and says whether it is `number`.
bool take_part(std::string_view& pattern, int number) {
  const std::string_view part = pattern.substr(0, pattern.find('.'));
  pattern.remove_prefix(std::min(part.size() + 1, pattern.size()));
  if (part == "x") return true;
  int value = 0;
  for (const char c : part) value = value * 10 + (c - '0');
  return value == number;
}

// "4.7.x", "x.2.2"
bool enhanced_matches(std::string_view pattern, const RefusalFacts& refusal) {
  return refusal.subject != 0 && take_part(pattern, refusal.code / 100) &&
         take_part(pattern, refusal.subject) && take_part(pattern, refusal.detail);
}

template <typename Wanted, typename Holds>
bool none_or_any(const std::vector<Wanted>& wanted, Holds holds) {
  return wanted.empty() || std::any_of(wanted.begin(), wanted.end(), holds);
}

// All but the pattern.
bool conditions_hold(const ReplyRule& rule, const RefusalFacts& refusal) {
  return none_or_any(rule.codes,
                     [&](const std::string& code) { return code_matches(code, refusal.code); }) &&
         none_or_any(rule.enhanced,
                     [&](const std::string& code) { return enhanced_matches(code, refusal); }) &&
         none_or_any(rule.stages,
                     [&](const std::string& stage) { return stage == refusal.stage; }) &&
         none_or_any(rule.hosts,
                     [&](const DomainPattern& host) { return host.matches(refusal.host); });
}

}  // namespace

ReplyRules::ReplyRules(std::vector<ReplyRule> rules, std::unique_ptr<const PatternSet> patterns)
    : rules_(std::move(rules)), patterns_(std::move(patterns)) {}
ReplyRules::~ReplyRules() = default;
ReplyRules::ReplyRules(ReplyRules&&) noexcept = default;
ReplyRules& ReplyRules::operator=(ReplyRules&&) noexcept = default;

const ReplyRule* ReplyRules::rule_for(const RefusalFacts& refusal) const {
  std::vector<std::size_t> found;
  if (patterns_) found = patterns_->found_in(unfolded(refusal.text));
  auto next = found.begin();
  std::size_t place = 0;  // among those that have a pattern
  for (const ReplyRule& rule : rules_) {
    if (!rule.pattern.empty()) {
      while (next != found.end() && *next < place) ++next;
      const bool is_found = next != found.end() && *next == place;
      ++place;
      if (!is_found) continue;
    }
    if (conditions_hold(rule, refusal)) return &rule;
  }
  return nullptr;
}

RefusalMeaning ReplyRules::meaning_of(const RefusalFacts& refusal) const {
  RefusalMeaning meaning;
  meaning.retry_class = classify_reply(refusal.code, refusal.subject, refusal.detail);
  meaning.slow_down = meaning.retry_class == RetryClass::kThrottled;
  const ReplyRule* rule = rule_for(refusal);
  if (rule == nullptr) return meaning;
  meaning.rule = rule->name;
  meaning.fate = rule->fate;
  if (rule->retry_class) meaning.retry_class = *rule->retry_class;
  meaning.slow_down = rule->slow_down.value_or(meaning.retry_class == RetryClass::kThrottled);
  return meaning;
}

std::string_view name(RefusalMeaning::Fate fate) {
  switch (fate) {
    case RefusalMeaning::Fate::kAsSaid: return "as_said";
    case RefusalMeaning::Fate::kDefer: return "defer";
    case RefusalMeaning::Fate::kBounce: return "bounce";
  }
  return "";
}

}  // namespace posthaste::policy
