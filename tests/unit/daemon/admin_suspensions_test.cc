#include "daemon/admin_suspensions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/json_value.h"
#include "queue/memory_store.h"

namespace posthaste::daemon {
namespace {

using policy::SuspensionKind;
using testing::HasSubstr;

// The store's answers are given by hand.
class AdminSuspensionsTest : public testing::Test {
 protected:
  void ask(const std::string& page, std::map<std::string, std::string> query,
           const std::string& method = "POST") {
    HttpRequest request;
    request.method = method;
    request.query = std::move(query);
    answered_ = false;
    suspensions_.answer(page, request, [this](const HttpResponse& response) {
      answered_ = true;
      response_ = response;
    });
  }
  std::uint64_t next_ticket() { return store_.admin_lane() << 48 | ++tickets_; }
  void kept() { suspensions_.on_store(queue::Kept{next_ticket()}); }
  std::size_t count() const { return suspensions_.current()->all().size(); }

  Metrics metrics_;
  Log log_{LogLevel::kError, LogFormat::kLogfmt};
  io::Loop loop_;
  StoreThread store_{std::make_unique<queue::MemoryStore>(),
                     {},
                     metrics_,
                     log_,
                     [](unsigned, std::vector<queue::StoreEvent>&&) {},
                     [](bool) {}};
  AdminSuspensions suspensions_{{loop_, store_, log_, {}},
                                std::make_shared<const policy::Suspensions>()};
  std::uint64_t tickets_ = 0;
  bool answered_ = false;
  HttpResponse response_;
};

TEST_F(AdminSuspensionsTest, CountsFromWhenItIsDurable) {
  ask("suspend", {{"kind", "domain"}, {"pattern", "Example.COM"}, {"words", "why"}});
  EXPECT_FALSE(answered_);
  EXPECT_EQ(count(), 0U);
  kept();
  ASSERT_TRUE(answered_);
  EXPECT_EQ(response_.status, 200);
  ASSERT_EQ(count(), 1U);
  EXPECT_EQ(suspensions_.current()->all()[0].pattern, "example.com");
  EXPECT_EQ(suspensions_.current()->all()[0].until, kNever);
}

TEST_F(AdminSuspensionsTest, CountsForNothingWhenTheDiskRefusesIt) {
  ask("suspend", {{"kind", "domain"}, {"pattern", "example.com"}});
  suspensions_.on_store(queue::NotKept{next_ticket(), "the disk is full"});
  ASSERT_TRUE(answered_);
  EXPECT_EQ(response_.status, 503);
  EXPECT_THAT(response_.body, HasSubstr("not suspended: the disk is full"));
  EXPECT_EQ(count(), 0U);
}

TEST_F(AdminSuspensionsTest, TakesThePlaceOfOneOfTheSameSubject) {
  for (const char* span : {"1h", "2h"}) {
    ask("suspend", {{"kind", "site"}, {"pattern", "mx.example.com"}, {"for", span}});
    kept();
  }
  ASSERT_EQ(count(), 1U);
  EXPECT_GT(suspensions_.current()->all()[0].until, loop_.now() + std::chrono::minutes(90));
}

TEST_F(AdminSuspensionsTest, ResumesOneOrAll) {
  for (const char* domain : {"a.example", "b.example", "c.example"}) {
    ask("suspend", {{"kind", "domain"}, {"pattern", domain}});
    kept();
  }
  ask("resume", {{"kind", "domain"}, {"pattern", "b.example"}});
  kept();
  EXPECT_EQ(count(), 2U);
  ask("resume", {{"kind", "domain"}, {"pattern", "b.example"}});
  EXPECT_EQ(response_.status, 404);
  ask("resume", {{"all", "yes"}});
  kept();
  EXPECT_FALSE(answered_) << "one of two is durable";
  kept();
  ASSERT_TRUE(answered_);
  EXPECT_THAT(response_.body, HasSubstr("\"changed\":2"));
  EXPECT_EQ(count(), 0U);
  ask("resume", {{"all", "yes"}});
  EXPECT_THAT(response_.body, HasSubstr("\"changed\":0"));
}

TEST_F(AdminSuspensionsTest, SaysWhatIsWrong) {
  const std::vector<std::map<std::string, std::string>> wrong{
      {{"kind", "planet"}, {"pattern", "example.com"}},
      {{"kind", "domain"}, {"pattern", ""}},
      {{"kind", "sender"}, {"pattern", "no address"}},
      {{"kind", "domain"}, {"pattern", "a.example"}, {"for", "soon"}},
      {{"kind", "domain"}, {"pattern", "a.example"}, {"until", "1999-01-01T00:00:00Z"}},
      {{"kind", "domain"}, {"pattern", "a.example"}, {"until", "tomorrow"}},
      {{"kind", "domain"}, {"pattern", "a.example"}, {"words", "two\nlines"}}};
  for (const auto& query : wrong) {
    ask("suspend", query);
    EXPECT_TRUE(answered_);
    EXPECT_EQ(response_.status, 400) << response_.body;
  }
  ask("suspend", {}, "GET");
  EXPECT_EQ(response_.status, 405);
  ask("suspensions", {}, "POST");
  EXPECT_EQ(response_.status, 405);
}

TEST_F(AdminSuspensionsTest, ListsWhatHolds) {
  ask("suspend", {{"kind", "sender"}, {"pattern", "<>"}, {"words", "loops"}});
  kept();
  ask("suspensions", {}, "GET");
  ASSERT_TRUE(answered_);
  const auto json = Json::parse(response_.body);
  ASSERT_EQ(json["suspensions"].size(), 1U);
  EXPECT_EQ(json["suspensions"][0]["pattern"], "<>");
  EXPECT_EQ(json["suspensions"][0]["words"], "loops");
  EXPECT_TRUE(json["suspensions"][0]["until"].is_null());
}

}  // namespace
}  // namespace posthaste::daemon
