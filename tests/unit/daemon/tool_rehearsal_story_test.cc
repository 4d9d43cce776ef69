#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "daemon/tool/rehearsal_story.h"

namespace posthaste::daemon::tool {
namespace {

using namespace std::chrono_literals;
using rehearsal::Results;
using rehearsal::Tallied;

Results some_results() {
  Results results;
  results.start = Instant(std::chrono::sys_days(std::chrono::year(2026) / 3 / 2));
  results.length = 4 * 24h;
  results.late_after = 1h;
  results.seed = 7;
  results.messages = 1'000'000;
  results.stretch = results.length / 60;
  results.stretches.resize(60);
  results.stretches[30] = {100, 50, 25, 12, 6, 3};
  Tallied one;
  one.name = "a.example";
  one.recipients = 1'234'567;
  one.delivered = 1'234'566;
  one.within = {1, 2, 3, 4, 5};
  one.late = 99;
  one.bounced = 1;
  one.verified = 1'000'000;
  one.plaintext = one.downgraded = 234'566;
  one.worst = 49h;
  results.groups = {one};
  results.all = one;
  results.latest = {{"a.example", 99, results.start + 90min, 49h, true, "450 4.2.0 greylisted"}};
  results.undelivered = {{"a.example", "550 5.1.1 no such user", 1, results.start}};
  return results;
}

TEST(RehearsalStory, ShowsWhatIsNotNothingInASparkline) {
  EXPECT_EQ(sparkline({0, 1, 500, 1000}, 1000), " ▁▄█");
  EXPECT_EQ(sparkline({0, 0}, 0), "  ");
}

TEST(RehearsalStory, FitsIntoEightyColumns) {
  std::istringstream lines(tell_rehearsal("A title", some_results(), {}));
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(display_width(line), 80U) << line;
  }
}

TEST(RehearsalStory, SaysWhatWasLateAndWhatWasLost) {
  const std::string story = tell_rehearsal("A title", some_results(), {});
  EXPECT_NE(story.find("A title\n4d from 2026-03-02 00:00 UTC, seed 7\n"), std::string::npos);
  EXPECT_NE(story.find("  recipients    1,234,567  of 1,000,000 messages\n"), std::string::npos);
  EXPECT_NE(story.find("  delivered     1,234,566  99.9 %\n"), std::string::npos);
  EXPECT_NE(story.find("a.example    99  2d 1h  03-02 01:30  450 4.2.0 greylisted\n"),
            std::string::npos)
      << story;
  EXPECT_NE(story.find("550 5.1.1 no such user\n"), std::string::npos);
}

TEST(RehearsalStory, KeepsControlCharactersOfAScenarioFromTheTerminal) {
  const std::string story = tell_rehearsal("\x1b[2Jtitle", some_results(), {});
  EXPECT_EQ(story.find('\x1b'), std::string::npos);
}

TEST(RehearsalStory, SaysWhatGotBetterAndWhatWorse) {
  const Results one = some_results();
  Results other = some_results();
  other.all.late = other.groups[0].late = 9;
  other.all.plaintext = other.groups[0].plaintext = 234'576;
  const std::string story = tell_comparison("T", {"a.yaml", one}, {"b.yaml", other}, {});
  EXPECT_NE(story.find("-90 better\n"), std::string::npos) << story;
  EXPECT_NE(story.find("+10 worse\n"), std::string::npos) << story;
  EXPECT_NE(story.find("a.example, late "), std::string::npos) << story;
  const std::string same = tell_comparison("T", {"a.yaml", one}, {"b.yaml", one}, {});
  EXPECT_NE(same.find("No domain fares otherwise.\n"), std::string::npos);
}

TEST(RehearsalJson, HasAllOfItInSeconds) {
  const auto json = nlohmann::json::parse(rehearsal_json("T", some_results()));
  EXPECT_EQ(json["title"], "T");
  EXPECT_EQ(json["all"]["late"], 99);
  EXPECT_EQ(json["all"]["worst"], 49 * 3600);
  EXPECT_EQ(json["all"]["within"]["60"], 1);
  EXPECT_EQ(json["domains"][0]["name"], "a.example");
  EXPECT_EQ(json["over_time"].size(), 60U);
  EXPECT_EQ(json["latest"][0]["recipients"], 99);
  const Results one = some_results();
  const auto two = nlohmann::json::parse(comparison_json("T", {"a", one}, {"b", one}));
  EXPECT_EQ(two["other"]["config"], "b");
}

}  // namespace
}  // namespace posthaste::daemon::tool
