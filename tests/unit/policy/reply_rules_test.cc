#include "lib/policy/reply_rules.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace posthaste::policy {
namespace {

using Fate = RefusalMeaning::Fate;

// Plain words in place of regular expressions.
class WordSet final : public PatternSet {
 public:
  explicit WordSet(std::vector<std::string> words) : words_(std::move(words)) {}
  std::vector<std::size_t> found_in(std::string_view text) const override {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < words_.size(); ++i) {
      if (text.find(words_[i]) != std::string_view::npos) found.push_back(i);
    }
    return found;
  }

 private:
  std::vector<std::string> words_;
};

ReplyRules rules_of(std::vector<ReplyRule> rules) {
  std::vector<std::string> words;
  for (const ReplyRule& rule : rules) {
    if (!rule.pattern.empty()) words.push_back(rule.pattern);
  }
  return {std::move(rules), std::make_unique<WordSet>(std::move(words))};
}

// Names in the order of the rules, and a class that no code would say.
ReplyRule rule(std::string name) {
  ReplyRule rule;
  rule.name = std::move(name);
  rule.retry_class = RetryClass::kDns;
  return rule;
}

constexpr RefusalFacts kGreylisted{.code = 451,
                                   .subject = 7,
                                   .detail = 1,
                                   .text = "come back later",
                                   .host = "mx1.a.example",
                                   .stage = "rcpt"};

TEST(ReplyRules, WithoutRulesTheCodesSpeak) {
  const ReplyRules none;
  const RefusalMeaning greylist = none.meaning_of(kGreylisted);
  EXPECT_EQ(greylist.retry_class, RetryClass::kGreylist);
  EXPECT_EQ(greylist.fate, Fate::kAsSaid);
  EXPECT_FALSE(greylist.slow_down);
  EXPECT_EQ(greylist.rule, "");
  EXPECT_TRUE(none.meaning_of({.code = 421}).slow_down);
}

TEST(ReplyRules, TheFirstRuleOfWhichEverythingHoldsCounts) {
  std::vector<ReplyRule> rules{rule("a"), rule("b"), rule("c"), rule("d"), rule("e")};
  rules[0].pattern = "never said";
  rules[1].pattern = "later";
  rules[1].codes = {"450"};
  rules[2].codes = {"550", "45x"};
  rules[2].stages = {"data"};
  rules[3].pattern = "back";
  rules[3].enhanced = {"5.7.1", "x.7.1"};
  const ReplyRules all = rules_of(std::move(rules));
  EXPECT_EQ(all.meaning_of(kGreylisted).rule, "d");
  RefusalFacts refusal = kGreylisted;
  refusal.stage = "data";
  EXPECT_EQ(all.meaning_of(refusal).rule, "c");
  refusal.code = 450;
  EXPECT_EQ(all.meaning_of(refusal).rule, "b");
  EXPECT_EQ(all.meaning_of({.code = 421}).rule, "e") << "nothing set: every refusal";
}

TEST(ReplyRules, EachConditionMustHold) {
  struct Row {
    std::vector<std::string> codes, enhanced, stages;
    const char* host;
    bool holds;
  };
  const Row rows[] = {
      {{"451"}, {}, {}, "", true},
      {{"4xx"}, {}, {}, "", true},
      {{"x51"}, {}, {}, "", true},
      {{"5xx"}, {}, {}, "", false},
      {{"4511"}, {}, {}, "", false},
      {{}, {"4.7.1"}, {}, "", true},
      {{}, {"4.7.x"}, {}, "", true},
      {{}, {"4.x.x"}, {}, "", true},
      {{}, {"5.7.1"}, {}, "", false},
      {{}, {"4.7.11"}, {}, "", false},
      {{}, {"4.1.7"}, {}, "", false},
      {{}, {}, {"greeting", "rcpt"}, "", true},
      {{}, {}, {"mail"}, "", false},
      {{}, {}, {}, "mx1.a.example", true},
      {{}, {}, {}, "*.a.example", true},
      {{}, {}, {}, "*.b.example", false},
      {{"4xx"}, {"x.7.1"}, {"rcpt"}, "*.example", true},
      {{"4xx"}, {"x.7.1"}, {"data"}, "*.example", false},
  };
  for (const Row& row : rows) {
    ReplyRule one = rule("one");
    one.codes = row.codes;
    one.enhanced = row.enhanced;
    one.stages = row.stages;
    if (*row.host != '\0') one.hosts = {parse_domain_pattern(row.host).value()};
    const ReplyRules all = rules_of({one});
    EXPECT_EQ(all.meaning_of(kGreylisted).rule == "one", row.holds) << &row - rows;
  }
}

TEST(ReplyRules, AReplyWithoutAnEnhancedCodeHasNone) {
  ReplyRule one = rule("one");
  one.enhanced = {"4.x.x"};
  EXPECT_EQ(rules_of({one}).meaning_of({.code = 451}).rule, "");
}

TEST(ReplyRules, APhraseIsFoundWhereverItsLinesWereBroken) {
  ReplyRule one = rule("one");
  one.pattern = "unusual rate of mail";
  RefusalFacts refusal{.code = 421, .text = "an unusual \nrate\tof\r\n   mail"};
  EXPECT_EQ(rules_of({one}).meaning_of(refusal).rule, "one");
}

TEST(ReplyRules, WhatStandsFarBehindIsNotLookedAt) {
  ReplyRule one = rule("one");
  one.pattern = "here";
  const std::string far = std::string(1024, 'a') + "here";
  EXPECT_EQ(rules_of({one}).meaning_of({.code = 451, .text = far}).rule, "");
  EXPECT_EQ(rules_of({one}).meaning_of({.code = 451, .text = far.substr(4)}).rule, "one");
}

TEST(ReplyRules, WhatARuleDoesNotSetTheCodesSay) {
  ReplyRule defer;
  defer.name = "defer";
  defer.fate = Fate::kDefer;
  const RefusalMeaning meaning = rules_of({defer}).meaning_of(kGreylisted);
  EXPECT_EQ(meaning.retry_class, RetryClass::kGreylist);
  EXPECT_EQ(meaning.fate, Fate::kDefer);
  EXPECT_TRUE(rules_of({defer}).meaning_of({.code = 421}).slow_down);
}

TEST(ReplyRules, ThrottlingSlowsDownUnlessTheRuleSaysOtherwise) {
  ReplyRule throttled = rule("t");
  throttled.retry_class = RetryClass::kThrottled;
  EXPECT_TRUE(rules_of({throttled}).meaning_of(kGreylisted).slow_down);
  throttled.slow_down = false;
  EXPECT_FALSE(rules_of({throttled}).meaning_of({.code = 421}).slow_down);
  ReplyRule mailbox = rule("m");
  EXPECT_FALSE(rules_of({mailbox}).meaning_of({.code = 421}).slow_down);
  mailbox.slow_down = true;
  EXPECT_TRUE(rules_of({mailbox}).meaning_of(kGreylisted).slow_down);
}

TEST(ReplyRules, AFateHasAName) {
  EXPECT_EQ(name(Fate::kAsSaid), "as_said");
  EXPECT_EQ(name(Fate::kDefer), "defer");
  EXPECT_EQ(name(Fate::kBounce), "bounce");
}

}  // namespace
}  // namespace posthaste::policy
