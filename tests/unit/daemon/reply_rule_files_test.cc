#include "daemon/reply_rule_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace posthaste::daemon {
namespace {

using testing::HasSubstr;

class ReplyRuleFiles : public testing::Test {
 protected:
  std::string write(const std::string& name, std::string_view text) {
    const std::string path = testing::TempDir() + std::to_string(getpid()) + "-" + name + ".yaml";
    std::ofstream(path) << text;
    paths_.push_back(path);
    return path;
  }
  void TearDown() override {
    for (const auto& path : paths_) std::remove(path.c_str());
  }

  static std::string rule_for(const LoadedReplies& loaded, std::string_view text) {
    return std::string(loaded.rules->meaning_of({.code = 451, .text = text}).rule);
  }

 private:
  std::vector<std::string> paths_;
};

TEST_F(ReplyRuleFiles, TheShippedOnesAreThereWithoutAnyFile) {
  const LoadedReplies loaded = load_replies({.rules = {}, .files = {}, .shipped = true});
  ASSERT_NE(loaded.rules, nullptr);
  EXPECT_EQ(loaded.placed.size(), loaded.rules->rules().size());
  EXPECT_EQ(rule_for(loaded, "Greylisted, try again later"), "greylist");
}

TEST_F(ReplyRuleFiles, WithoutAnyRuleTheCodesSpeak) {
  const LoadedReplies loaded = load_replies({});
  ASSERT_NE(loaded.rules, nullptr);
  EXPECT_EQ(rule_for(loaded, "Greylisted, try again later"), "");
}

TEST_F(ReplyRuleFiles, OwnRulesStandBeforeThoseOfFilesBeforeTheShippedOnes) {
  config::PlacedRule own;
  own.rule.name = "own";
  own.rule.pattern = "greylisted b";
  own.rule.slow_down = true;
  const std::string file = write("rules",
                                 "- { name: of-file, pattern: 'greylisted [bc]', class: other }\n"
                                 "- { name: mimecast-greylist, pattern: nothing, class: other }\n");
  const LoadedReplies loaded = load_replies({.rules = {own}, .files = {file}, .shipped = true});
  ASSERT_NE(loaded.rules, nullptr);
  EXPECT_EQ(rule_for(loaded, "greylisted a"), "greylist");
  EXPECT_EQ(rule_for(loaded, "greylisted b"), "own");
  EXPECT_EQ(rule_for(loaded, "greylisted c"), "of-file");
  EXPECT_NE(rule_for(loaded, "Internal resource temporarily unavailable"), "mimecast-greylist")
      << "one of that name has taken its place";
  EXPECT_EQ(loaded.placed[1].file, file);
  EXPECT_EQ(loaded.placed[1].line, 1);
}

TEST_F(ReplyRuleFiles, WhatIsWrongIsToldWithItsPlaceForAllFilesAtOnce) {
  const std::string broken = write("broken", "- { name: a, codes: 250, class: other }\n");
  const LoadedReplies loaded =
      load_replies({.rules = {}, .files = {broken, "/no/such/file.yaml"}, .shipped = true});
  EXPECT_EQ(loaded.rules, nullptr);
  ASSERT_EQ(loaded.errors.size(), 2U);
  EXPECT_THAT(render_diagnostic(loaded.errors[0]), HasSubstr(broken + ":1:21: error: "));
  EXPECT_THAT(render_diagnostic(loaded.errors[1]),
              HasSubstr("/no/such/file.yaml: error: cannot be read: No such file"));
}

TEST_F(ReplyRuleFiles, AnExpressionThatIsNoneIsToldWithItsRule) {
  const std::string file = write("expression",
                                 "- { name: fine, pattern: fine, class: other }\n"
                                 "- name: wrong\n"
                                 "  pattern: '(open'\n"
                                 "  class: other\n");
  const LoadedReplies loaded = load_replies({.rules = {}, .files = {file}, .shipped = true});
  EXPECT_EQ(loaded.rules, nullptr);
  ASSERT_EQ(loaded.errors.size(), 1U);
  EXPECT_THAT(render_diagnostic(loaded.errors[0]),
              HasSubstr(file + ":3:12: error: \"pattern\" of rule \"wrong\": missing )"));
}

TEST_F(ReplyRuleFiles, AFolderIsNoFile) {
  const LoadedReplies loaded =
      load_replies({.rules = {}, .files = {testing::TempDir()}, .shipped = false});
  EXPECT_EQ(loaded.rules, nullptr);
  ASSERT_EQ(loaded.errors.size(), 1U);
}

}  // namespace
}  // namespace posthaste::daemon
