// ReplyRules: what a host's refusal means: by the operator's rules first, by its code and enhanced
// code where none speaks.
//
// Threads      immutable once built.
// Limits       of a reply's text the first 1,024 octets; the time is linear in them.
// Does not     know a regular-expression engine: see PatternSet and lib/pattern.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/policy/domain_pattern.h"
#include "lib/policy/retry_policy.h"

namespace posthaste::policy {

// Many patterns, looked for at once.
class PatternSet {
 public:
  virtual ~PatternSet() = default;
  // The patterns, by their place in the list that the set was made of, that are found somewhere in
  // `text`; ascending. Linear in the length of `text`.
  virtual std::vector<std::size_t> found_in(std::string_view text) const = 0;
};

// A refusal, as far as rules look at it.
struct RefusalFacts {
  int code = 0;     // 400 to 599
  int subject = 0;  // of the enhanced code; 0: there was none
  int detail = 0;
  std::string_view text = {};  // all lines, "\n" between them, without codes
  std::string_view host = {};  // the MX host's name
  // Where in the conversation: "greeting", "ehlo", "mail", "rcpt", "data", "final_dot".
  std::string_view stage = {};
};

struct RefusalMeaning {
  enum class Fate : std::uint8_t {
    kAsSaid,  // 4xx: later; 5xx: never
    kDefer,
    kBounce,
  };
  RetryClass retry_class = RetryClass::kOther;
  Fate fate = Fate::kAsSaid;
  bool slow_down = false;  // the host has enough of us: fewer connections, a lower rate
  std::string_view rule;   // its name; empty: no rule spoke. Valid as long as the rules are
};
std::string_view name(RefusalMeaning::Fate fate);  // "as_said", "defer", "bounce"

struct ReplyRule {
  std::string name;
  std::string about;  // for people: whose words these are
  // What is set must hold.
  std::vector<std::string> codes;     // "451", "4xx"
  std::vector<std::string> enhanced;  // "4.7.1", "4.7.x", "x.2.2"
  // Regular expression, found somewhere in the text without regard to case. The text is one line
  // then, with single spaces where it had line ends and more of them.
  std::string pattern;
  std::vector<DomainPattern> hosts;  // MX host names
  std::vector<std::string> stages;
  // What it then means.
  std::optional<RetryClass> retry_class;
  RefusalMeaning::Fate fate = RefusalMeaning::Fate::kAsSaid;
  std::optional<bool> slow_down;  // unset: for kThrottled, yes
};

class ReplyRules {
 public:
  // By code and enhanced code alone.
  ReplyRules() = default;
  // `patterns`: of those rules that have one, in their order; null: none has. The first rule of
  // which everything holds counts.
  ReplyRules(std::vector<ReplyRule> rules, std::unique_ptr<const PatternSet> patterns);
  ~ReplyRules();
  ReplyRules(ReplyRules&&) noexcept;
  ReplyRules& operator=(ReplyRules&&) noexcept;

  RefusalMeaning meaning_of(const RefusalFacts& refusal) const;
  // The one that counts; null: none.
  const ReplyRule* rule_for(const RefusalFacts& refusal) const;
  const std::vector<ReplyRule>& rules() const { return rules_; }

 private:
  std::vector<ReplyRule> rules_;
  std::unique_ptr<const PatternSet> patterns_;
};

}  // namespace posthaste::policy
