// `posthaste retry explain` and `config check`, with files of rules.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "daemon/json_value.h"
#include "daemon/tool/command.h"

namespace posthaste::daemon::tool {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class RetryExplain : public testing::Test {
 protected:
  RetryExplain() {
    std::ofstream(config_) << "retry:\n"
                              "  default: { jitter: 0.2 }\n"
                              "  domains:\n"
                              "    - { match: a.example, expire_after: 30m,\n"
                              "        classes: { greylist: { intervals: [5m, 10m] } } }\n"
                              "  replies:\n"
                              "    rules: [ { name: ours, hosts: mx.b.example, stages: data,\n"
                              "               class: mailbox, fate: defer } ]\n";
  }
  ~RetryExplain() override { std::remove(config_.c_str()); }

  Outcome explain(const std::string& reply, std::vector<std::string> more = {}) {
    std::vector<std::string> words{"retry", "explain", reply, "--config", config_};
    words.insert(words.end(), more.begin(), more.end());
    return run_tool(words, {});
  }

  const std::string config_ = testing::TempDir() + std::to_string(getpid()) + "-retry.yaml";
};

TEST_F(RetryExplain, TellsClassFateRuleAndSchedule) {
  const Outcome told = explain("450 4.2.0 Greylisted", {"--domain", "A.example"});
  EXPECT_EQ(told.status, kDone);
  EXPECT_THAT(
      told.out,
      AllOf(HasSubstr("450 4.2.0 Greylisted\n"), HasSubstr("class      greylist\n"),
            HasSubstr("fate       tried again\n"), HasSubstr("greylist (shipped reply-rules.yaml:"),
            HasSubstr("a.example: 5m, 10m; the last one repeats; give or take 20 %"),
            HasSubstr("after 5m, 15m, 25m; 3 in all"), HasSubstr("returned   after 30m")));
}

TEST_F(RetryExplain, HostAndStageDecideToo) {
  EXPECT_THAT(explain("554 no").out,
              AllOf(HasSubstr("fate       not tried again"), HasSubstr("none; its codes"),
                    Not(HasSubstr("attempts"))));
  const Outcome told = explain("554 no", {"--host", "mx.b.example", "--stage", "data"});
  EXPECT_THAT(told.out, AllOf(HasSubstr("tried again, although it is a 554"), HasSubstr("ours (")));
  EXPECT_THAT(explain("554 no", {"--stage", "greeting"}).out, HasSubstr("tried again, although"));
  EXPECT_EQ(explain("554 no", {"--stage", "lunch"}).status, kNotUnderstood);
}

TEST_F(RetryExplain, TakesARepliesLinesAndSaysSoInJson) {
  const Outcome told = explain("421-4.7.28 an unusual\\n421 4.7.28 rate of mail", {"--json"});
  const Json json = Json::parse(told.out);
  EXPECT_EQ(json["rule"], "google-rate");
  EXPECT_EQ(json["class"], "throttled");
  EXPECT_EQ(json["slow_down"], true);
  EXPECT_EQ(json["temporary"], true);
  EXPECT_EQ(json["attempts_after_s"][1], 360);
}

TEST_F(RetryExplain, WantsARefusal) {
  for (const char* reply : {"250 ok", "hello", "421-more", "450 a\\n450 b", ""}) {
    EXPECT_EQ(explain(reply).status, kNotUnderstood) << reply;
  }
}

TEST_F(RetryExplain, ShowsTheShippedRules) {
  const std::vector<std::string> words{"retry", "rules"};
  EXPECT_THAT(run_tool(words, {}).out, HasSubstr("\n- name: greylist\n"));
}

TEST(ConfigCheck, ReadsTheFilesOfRulesToo) {
  const std::string config = testing::TempDir() + std::to_string(getpid()) + "-check.yaml";
  std::ofstream(config)
      << "retry: { replies: { rules: [ { name: a, pattern: '(', class: tls } ] } }\n";
  const std::vector<std::string> words{"config", "check", config};
  const Outcome told = run_tool(words, {});
  EXPECT_EQ(told.status, kFailed);
  EXPECT_THAT(told.out, HasSubstr(config + ":1:50: error: \"pattern\" of rule \"a\""));
  std::remove(config.c_str());
}

}  // namespace
}  // namespace posthaste::daemon::tool
