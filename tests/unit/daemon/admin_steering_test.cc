// What the admin makes of an order about mail in the queue, as far as the store goes; engines have
// tests of their own.
#include "daemon/admin_steering.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/json_value.h"
#include "queue/memory_store.h"

namespace posthaste::daemon {
namespace {

using testing::HasSubstr;

class AdminSteeringTest : public testing::Test {
 protected:
  ~AdminSteeringTest() override { home_->close(); }

  void accept(std::uint64_t n, const std::string& sender, const std::vector<std::string>& to) {
    auto envelope = std::make_shared<mail::Envelope>();
    envelope->id = MessageId{(std::uint64_t{1'000} + n) << 22};
    envelope->sender = mail::Mailbox::trusted(sender);
    envelope->recipients_total = static_cast<std::uint16_t>(to.size());
    queue::Accept accept;
    for (const auto& address : to) {
      mail::PendingRecipient pending;
      pending.recipient.number = static_cast<std::uint16_t>(accept.recipients.size());
      pending.recipient.address = mail::Mailbox::trusted(address);
      pending.shard = shard_of(routing_domain(pending.recipient.address));
      accept.recipients.push_back(std::move(pending));
    }
    accept.envelope = std::move(envelope);
    queue::Request request = std::move(accept);
    std::vector<queue::StoreEvent> events;
    ASSERT_TRUE(disk_->commit({&request, 1}, events));
  }

  // The answer's status; its body is in json_ then.
  int post(const std::string& verb, std::map<std::string, std::string> query,
           const std::string& method = "POST") {
    HttpRequest request;
    request.method = method;
    request.query = std::move(query);
    steering_.steer(verb, request, std::make_shared<const policy::Suspensions>(), respond());
    return wait();
  }
  int progress(const std::string& ticket) {
    steering_.progress(ticket, respond());
    return wait();
  }
  // Asks until nothing is searched any more.
  Json outcome(const std::string& verb, std::map<std::string, std::string> query) {
    EXPECT_EQ(post(verb, std::move(query)), 200) << json_;
    while (json_["searching"].get<bool>()) {
      EXPECT_EQ(progress(std::to_string(json_["ticket"].get<std::uint64_t>())), 200);
    }
    return json_;
  }

  Respond respond() {
    answered_ = false;
    return [this](const HttpResponse& response) {
      answered_ = true;
      status_ = response.status;
      json_ = Json::parse(response.body);
      if (running_) loop_.stop();
    };
  }
  int wait() {
    running_ = true;
    while (!answered_) loop_.run();
    running_ = false;
    return status_;
  }

  Metrics metrics_;
  Log log_{LogLevel::kError, LogFormat::kLogfmt};
  queue::MemoryStore* disk_ = new queue::MemoryStore;  // store_ takes it over
  StoreThread store_{std::unique_ptr<queue::Store>(disk_),
                     {},
                     metrics_,
                     log_,
                     [](unsigned, std::vector<queue::StoreEvent>&&) {},
                     [](bool) {}};
  io::Loop loop_;
  io::Mailbox<ReturnAddress::Work> mailbox_{loop_, 1'000, [this] {
                                              std::vector<ReturnAddress::Work> mail;
                                              mailbox_.take_all(mail);
                                              for (const auto& work : mail) work();
                                            }};
  std::shared_ptr<ReturnAddress> home_ = std::make_shared<ReturnAddress>(mailbox_);
  ReaderThread reader_;
  AdminSteering steering_{{loop_, home_, store_, reader_, log_, {}}};
  bool running_ = false;  // the loop
  bool answered_ = false;
  int status_ = 0;
  Json json_;
};

TEST_F(AdminSteeringTest, NeedsToKnowWhichMailIsMeant) {
  EXPECT_EQ(post("hold", {}), 400);
  EXPECT_THAT(json_["error"], HasSubstr("all=yes"));
  EXPECT_EQ(post("hold", {{"words", "why"}}), 400) << "words are no filter";
  EXPECT_EQ(post("hold", {{"all", "yes"}}), 200);
  EXPECT_EQ(post("hold", {{"domain", "example.com"}}), 200);
}

TEST_F(AdminSteeringTest, SaysWhatIsWrong) {
  EXPECT_EQ(post("burn", {{"all", "yes"}}), 404);
  EXPECT_EQ(post("hold", {{"all", "yes"}}, "GET"), 405);
  EXPECT_EQ(post("hold", {{"older", "long"}}), 400);
  EXPECT_EQ(post("hold", {{"all", "yes"}, {"words", "two\nlines"}}), 400);
  EXPECT_EQ(progress("1"), 404);
  EXPECT_EQ(progress("none"), 404);
}

TEST_F(AdminSteeringTest, IsDoneWhereNobodyHasSuchMail) {
  EXPECT_EQ(post("remove", {{"domain", "example.com"}}), 200);
  EXPECT_TRUE(json_["done"].get<bool>());
  EXPECT_EQ(json_["matched"], 0);
}

TEST_F(AdminSteeringTest, CountsInADryRun) {
  for (std::uint64_t n = 0; n < 30; ++n) {
    accept(n, n % 3 == 0 ? "news@a.example" : "other@a.example",
           {"x@one.example", "y@two" + std::to_string(n) + ".example"});
  }
  EXPECT_EQ(outcome("remove", {{"dry_run", "yes"}})["found"], 60);
  EXPECT_EQ(outcome("remove", {{"dry_run", "yes"}, {"domain", "one.example"}})["found"], 30);
  EXPECT_EQ(outcome("remove", {{"dry_run", "yes"}, {"sender", "news@a.example"}})["found"], 20);
  EXPECT_EQ(json_["matched"], 0) << "nothing is told to anybody";
  const std::string ids = render_id(MessageId{std::uint64_t{1'000} << 22}) + "," +
                          render_id(MessageId{std::uint64_t{1'001} << 22});
  EXPECT_EQ(outcome("remove", {{"dry_run", "yes"}, {"id", ids}})["found"], 4);
  EXPECT_EQ(outcome("remove", {{"dry_run", "yes"},
                               {"id", ids},
                               {"sender", "@a.example"},
                               {"domain", "two1.example"}})["found"],
            1);
}

TEST_F(AdminSteeringTest, SearchesInSlicesUntilItHasSeenAll) {
  const std::size_t messages = 2 * QueueSearch::kRecordsPerSlice / 100 + 7;
  std::vector<std::string> to;
  for (int i = 0; i < 100; ++i) to.push_back("u" + std::to_string(i) + "@one.example");
  for (std::uint64_t n = 0; n < messages; ++n) accept(n, "a@a.example", to);
  const Json told = outcome("hold", {{"sender", "a@a.example"}});
  EXPECT_EQ(told["found"], messages * 100);
  EXPECT_EQ(told["scanned"], messages * 100);
  EXPECT_EQ(told["trouble"], "");
}

TEST_F(AdminSteeringTest, RemembersTheLatestTicketsOnly) {
  ASSERT_EQ(post("hold", {{"all", "yes"}}), 200);
  const auto first = std::to_string(json_["ticket"].get<std::uint64_t>());
  for (std::size_t i = 1; i < AdminSteering::kTicketsMax; ++i) post("hold", {{"all", "yes"}});
  EXPECT_EQ(progress(first), 200);
  post("hold", {{"all", "yes"}});
  EXPECT_EQ(progress(first), 404);
}

}  // namespace
}  // namespace posthaste::daemon
