// The commands that steer and suspend: what they ask the daemon, and what they make of its answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <mutex>

#include "daemon/tool/command.h"
#include "daemon/tool/queue_report_story.h"
#include "daemon/tool/queue_text.h"
#include "daemon/tool/steering_story.h"
#include "tests/unit/daemon/server_fixture.h"

namespace posthaste::daemon::tool {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ToolSteering : public testing::Test {
 protected:
  void SetUp() override {
    setenv("TZ", "UTC", 1);
    tzset();
    std::string pattern = std::filesystem::temp_directory_path() / "posthaste-tool-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    auto listening = io::listen_unix(folder_ + "/admin.sock", 0600);
    ASSERT_TRUE(listening);
    server_ = std::make_unique<ServerThread>(
        std::move(*listening), [this](const HttpRequest& request, const Respond& respond) {
          std::string asked = request.method + " " + request.path;
          for (const auto& [key, value] : request.query) asked += " " + key + "=" + value;
          asked_.push_back(std::move(asked));
          respond({.body = answers_.empty() ? "{}" : answers_.front()});
          if (answers_.size() > 1) answers_.erase(answers_.begin());
        });
  }
  void TearDown() override {
    server_.reset();
    std::filesystem::remove_all(folder_);
  }
  Outcome run(std::vector<std::string> words) {
    words.insert(words.begin(), {"--socket", folder_ + "/admin.sock"});
    return run_tool(words, {});
  }

  std::string folder_;
  std::vector<std::string> asked_;  // the server's thread; read when it has answered
  std::vector<std::string> answers_;
  std::unique_ptr<ServerThread> server_;
};

TEST_F(ToolSteering, WaitsUntilAllIsDone) {
  answers_ = {R"({"ticket":7,"verb":"hold","searching":true,"found":1,"scanned_part":0.5})",
              R"({"ticket":7,"verb":"hold","searching":false,"matched":1234,"left":4})",
              R"({"ticket":7,"verb":"hold","matched":1234,"left":0,"under_way":2,"done":true})"};
  const auto outcome = run({"queue", "hold", "--sender", "a@b.example", "--domain", "x.example",
                            "--domain", "*.y.example", "--words", "so, so"});
  EXPECT_EQ(outcome.out, "1,234 recipients held\n2 just being delivered, and left alone\n");
  EXPECT_THAT(asked_, ElementsAre("POST /v1/queue/hold domain=x.example,*.y.example dry_run=no "
                                  "sender=a@b.example words=so, so",
                                  "GET /v1/steering/7", "GET /v1/steering/7"));
}

TEST_F(ToolSteering, DoesNotWaitWhereItIsToldSo) {
  answers_ = {R"({"ticket":7,"verb":"retry","matched":20,"left":10,"done":false})"};
  const auto outcome = run({"queue", "retry", "0123456789ABC", "--no-wait"});
  EXPECT_EQ(outcome.out, "10 to go of 20 recipients; ticket 7 (posthaste queue progress 7)\n");
  EXPECT_THAT(asked_, ElementsAre("POST /v1/queue/retry dry_run=no id=0123456789ABC"));
}

TEST_F(ToolSteering, SaysWhatWouldBeInADryRun) {
  answers_ = {R"({"ticket":7,"verb":"bounce","dry_run":true,"searching":false,"found":1})"};
  EXPECT_EQ(run({"queue", "bounce", "--older", "2d", "--dry-run"}).out,
            "1 recipient would be bounced\n");
  EXPECT_THAT(asked_, ElementsAre("POST /v1/queue/bounce dry_run=yes older=2d"));
}

TEST_F(ToolSteering, AsksNothingOfTheDaemonWhereItIsNotClearWhatIsMeant) {
  EXPECT_EQ(run({"queue", "remove"}).status, kNotUnderstood);
  EXPECT_EQ(run({"queue", "remove", "--words", "x"}).status, kNotUnderstood);
  EXPECT_EQ(run({"queue", "remove", "--all", "--domain", "a.example"}).status, kNotUnderstood);
  EXPECT_EQ(run({"queue", "remove", "0123456789ABC", "--id", "0123456789ABC"}).status,
            kNotUnderstood);
  EXPECT_EQ(run({"resume"}).status, kNotUnderstood);
  EXPECT_EQ(run({"resume", "domain", "a.example", "--all"}).status, kNotUnderstood);
  EXPECT_TRUE(asked_.empty());
}

TEST_F(ToolSteering, SuspendsAndResumes) {
  answers_ = {R"({"now":"2026-11-21T22:00:00.000Z","changed":1,"suspension":{"kind":"site",)"
              R"("pattern":"mx.example","until":"2026-11-22T00:00:00.000Z"}})"};
  EXPECT_EQ(run({"suspend", "site", "mx.example", "--for", "2h", "--reason", "a, b"}).out,
            "suspended site mx.example; it lapses in 2h (2026-11-22 00:00:00)\n");
  EXPECT_EQ(run({"resume", "--all"}).out, "1 suspension ended\n");
  EXPECT_THAT(asked_, ElementsAre("POST /v1/suspend for=2h kind=site pattern=mx.example words=a, b",
                                  "POST /v1/resume all=yes"));
}

TEST_F(ToolSteering, ListsSuspensions) {
  answers_ = {R"({"now":"2026-11-21T22:00:00.000Z","suspensions":[{"kind":"domain","pattern":)"
              R"("*.example","since":"2026-11-21T20:00:00.000Z","until":null,"words":"why"}]})"};
  EXPECT_EQ(run({"suspensions"}).out,
            "KIND    PATTERN    SINCE   LAPSES  REASON\n"
            "domain  *.example  2h ago  never   why\n");
}

TEST_F(ToolSteering, WaitsForABackup) {
  answers_ = {R"({"dir":"/x","running":true,"done":false,"trouble":""})",
              R"({"dir":"/x","running":false,"done":true,"trouble":""})"};
  const auto outcome = run({"queue", "backup", "/x"});
  EXPECT_EQ(outcome.status, kDone);
  EXPECT_THAT(outcome.out, HasSubstr("the queue is copied to /x"));
  answers_ = {R"({"dir":"/x","running":false,"done":false,"trouble":"no space left"})"};
  const auto failed = run({"queue", "backup", "/x"});
  EXPECT_EQ(failed.status, kFailed);
  EXPECT_EQ(failed.err, "no space left");
}

TEST(SteeringProgress, FitsOnOneLine) {
  const auto searching =
      Json::parse(R"({"verb":"hold","searching":true,"found":1234567,"scanned_part":0.5})");
  EXPECT_EQ(steering_progress(searching, 60),
            "hold: searching [##########----------] 1,234,567 found");
  const auto telling =
      Json::parse(R"({"verb":"hold","searching":false,"matched":4000,"left":1000})");
  EXPECT_EQ(steering_progress(telling, 0), "hold: [#######---] 3,000 of 4,000");
  EXPECT_EQ(steering_question("remove", 12345), "really remove 12,345 recipients? (yes)");
}

TEST(QueueText, WrapsWordsBehindAMargin) {
  EXPECT_EQ(wrapped("one two three", 4, 0), "    one two three\n");
  EXPECT_EQ(wrapped("a long line of words that goes on", 4, 26),
            "    a long line of words\n    that goes on\n");
}

TEST(QueueReportStory, SaysWhatIsWrongAndWhatToDo) {
  queue::QueueReport report;
  report.messages = 1234;
  EXPECT_THAT(tell_queue_report("/x", report, {}), HasSubstr("all of it is sound"));
  report.problems[static_cast<std::size_t>(queue::ProblemKind::kCorrupt)] = 2;
  report.examples.push_back({queue::ProblemKind::kCorrupt, "rcpt/0005", "too short"});
  const auto story = tell_queue_report("/x", report, {});
  EXPECT_THAT(story, HasSubstr("it is damaged"));
  EXPECT_THAT(story, HasSubstr("  corrupt                    2\n"));
  EXPECT_THAT(story, HasSubstr("corrupt  rcpt/0005  too short\n"));
  const auto json = Json::parse(queue_report_json("/x", report));
  EXPECT_FALSE(json["sound"].get<bool>());
  EXPECT_EQ(json["problems"]["corrupt"], 2);
}

}  // namespace
}  // namespace posthaste::daemon::tool
