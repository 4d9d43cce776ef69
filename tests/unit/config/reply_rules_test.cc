#include "config/reply_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "config/load.h"

namespace posthaste::config {
namespace {

using policy::RetryClass;
using testing::ElementsAre;
using testing::HasSubstr;
using Fate = policy::RefusalMeaning::Fate;

// Two rules, the first with everything.
constexpr std::string_view kTwo = R"(
- name: all-of-it
  about: "Partner: since May"
  codes: [450, 45x]
  enhanced: x.7.1
  pattern: 'come\s+back'
  hosts: ["*.MX.Partner.example"]
  stages: [mail, rcpt]
  class: greylist
  fate: defer
  slow_down: true
- { name: short, codes: 552, class: mailbox }
)";

TEST(ReplyRulesFile, IsAListOfRulesThatKnowWhereTheyStand) {
  const RulesResult result = load_reply_rules(kTwo, "rules.yaml");
  ASSERT_TRUE(result.errors.empty()) << render_diagnostic(result.errors.front());
  ASSERT_EQ(result.rules.size(), 2U);
  const policy::ReplyRule& all = result.rules[0].rule;
  EXPECT_EQ(all.name, "all-of-it");
  EXPECT_EQ(all.about, "Partner: since May");
  EXPECT_THAT(all.codes, ElementsAre("450", "45x"));
  EXPECT_THAT(all.enhanced, ElementsAre("x.7.1"));
  EXPECT_EQ(all.pattern, "come\\s+back");
  EXPECT_EQ(all.hosts.at(0).text, "*.mx.partner.example");
  EXPECT_THAT(all.stages, ElementsAre("mail", "rcpt"));
  EXPECT_EQ(all.retry_class, RetryClass::kGreylist);
  EXPECT_EQ(all.fate, Fate::kDefer);
  EXPECT_EQ(all.slow_down, true);
  EXPECT_EQ(result.rules[0].file, "rules.yaml");
  EXPECT_EQ(result.rules[0].line, 6) << "the pattern";
  const policy::ReplyRule& brief = result.rules[1].rule;
  EXPECT_EQ(brief.fate, Fate::kAsSaid);
  EXPECT_EQ(brief.slow_down, std::nullopt);
  EXPECT_EQ(result.rules[1].line, 12) << "without one, the rule";
}

TEST(ReplyRulesFile, StandsBelowRetryJustSo) {
  std::string indented = "retry:\n  replies:\n    files: [/a.yaml, /b.yaml]\n    rules:";
  for (const char c : kTwo) {
    indented += c;
    if (c == '\n') indented += "      ";
  }
  const LoadResult loaded = load_config(indented, "posthaste.yaml");
  ASSERT_TRUE(loaded.config) << render_diagnostic(loaded.errors.front());
  EXPECT_EQ(loaded.config->replies.rules.size(), 2U);
  EXPECT_EQ(loaded.config->replies.rules[0].file, "posthaste.yaml");
  EXPECT_THAT(loaded.config->replies.files, ElementsAre("/a.yaml", "/b.yaml"));
  EXPECT_TRUE(loaded.config->replies.shipped);
}

TEST(ReplyRulesFile, MayBeEmpty) {
  for (const std::string_view yaml : {"", "[]", "# nothing yet\n"}) {
    const RulesResult result = load_reply_rules(yaml, "rules.yaml");
    EXPECT_TRUE(result.errors.empty() && result.rules.empty()) << yaml;
  }
}

TEST(ReplyRulesFile, TellsWhatIsWrongAndWhere) {
  struct Row {
    const char* yaml;
    const char* error;
  };
  const Row rows[] = {
      {"rules: []", "r.yaml:1:1: error: \"retry.replies.rules\": expected a list of sections"},
      {"- name: a\n  paterns: b\n  class: dns\n",
       "r.yaml:2:3: error: unknown key \"paterns\"; did you mean \"pattern\"?"},
      {"- name: a\n  codes: 250\n  class: dns\n",
       "r.yaml:2:10: error: \"retry.replies.rules.codes\": expected a code from 400 to 599, with x "
       "for any digit, got \"250\""},
      {"- name: a\n  codes: 4511\n  class: dns\n", "r.yaml:2:10: error: "},
      {"- name: a\n  enhanced: 4.7\n  class: dns\n", "r.yaml:2:13: error: "},
      {"- name: a\n  enhanced: 4.7.x.\n  class: dns\n", "r.yaml:2:13: error: "},
      {"- name: a\n  enhanced: 2.7.1\n  class: dns\n", "r.yaml:2:13: error: "},
      {"- name: a\n  codes: 450\n  class: graylist\n",
       "r.yaml:3:10: error: \"retry.replies.rules.class\": expected one of connect, dns, tls, "
       "greylist, throttled, mailbox, policy, other, got \"graylist\"; did you mean \"greylist\"?"},
      {"- name: a\n  stages: dinner\n  class: dns\n", "r.yaml:2:11: error: "},
      {"- name: a b\n  codes: 450\n  class: dns\n",
       "r.yaml:1:9: error: \"retry.replies.rules.name\": expected a name of letters, digits, - and "
       "_, got \"a b\""},
      {"- codes: 450\n  class: dns\n", "r.yaml:1:3: error: \"name\" is missing here"},
      {"- name: a\n  class: dns\n",
       "r.yaml:1:3: error: this rule would hold for every reply; give it at least one of codes"},
      {"- name: a\n  codes: 450\n",
       "r.yaml:1:3: error: this rule says nothing; give it at least one of class"},
      {"- { name: a, codes: 450, class: dns }\n- { name: a, codes: 451, class: dns }\n",
       "r.yaml:2:3: error: a second rule \"a\"; the first is in line 1"},
  };
  for (const Row& row : rows) {
    const RulesResult result = load_reply_rules(row.yaml, "r.yaml");
    ASSERT_EQ(result.errors.size(), 1U) << row.yaml;
    EXPECT_THAT(render_diagnostic(result.errors[0]), HasSubstr(row.error)) << row.yaml;
  }
}

TEST(RulesInForce, TheFirstOfANameCountsAndTheOrderStays) {
  const auto named = [](const char* name, const char* file) {
    PlacedRule placed;
    placed.rule.name = name;
    placed.file = file;
    return placed;
  };
  const auto rules = rules_in_force({{named("b", "1"), named("x", "1")},
                                     {named("a", "2")},
                                     {named("a", "3"), named("b", "3"), named("c", "3")}});
  std::string order;
  for (const PlacedRule& placed : rules) order += placed.rule.name + placed.file + " ";
  EXPECT_EQ(order, "b1 x1 a2 c3 ");
}

}  // namespace
}  // namespace posthaste::config
