// Resolver against a server of our own: what it sends, how it waits, and what it makes of bad
// answers.
#include "lib/resolver/resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/resolver/asking.h"
#include "tests/unit/resolver/udp_responder.h"

namespace posthaste::resolver {
namespace {

using namespace std::string_literals;
using dns::AnswerStatus;
using dns::RecordType;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kAddress = "\xC0\0\2\1"s;

std::optional<std::string> address_for(std::string_view query) {
  return reply_with(query, 300, kAddress);
}

class ResolverTest : public Asking {
 protected:
  void answer_with(UdpResponder::Respond respond) {
    server_.emplace(loop_, std::move(respond));
    use(options_for({server_->endpoint()}));
  }
  // The resolver is destroyed before the server it asks, and both before the loop.
  ~ResolverTest() override { resolver_.reset(); }

  std::optional<UdpResponder> server_;
};

TEST_F(ResolverTest, AsksWithRecursionAdAndAnOptAndWithoutDo) {
  answer_with(address_for);
  EXPECT_EQ(ask("mail.example.com", RecordType::kA).status, AnswerStatus::kOk);
  const std::string& query = server_->last_query();
  EXPECT_EQ(query.substr(2, 10), "\x01\x20\0\1\0\0\0\0\0\1"s);
  EXPECT_EQ(query.substr(12), "\4mail\7example\3com\0\0\1\0\1\0\0\x29\x04\xd0\0\0\0\0\0\0"s);
}

TEST_F(ResolverTest, DrawsANewIdForEachQuery) {
  std::vector<std::string> ids;
  answer_with([&ids](std::string_view query) {
    ids.emplace_back(query.substr(0, 2));
    return reply_with(query, 300, kAddress);
  });
  for (int i = 0; i < 20; ++i) ask("h" + std::to_string(i) + ".example", RecordType::kA);
  std::sort(ids.begin(), ids.end());
  const auto distinct = std::unique(ids.begin(), ids.end()) - ids.begin();
  EXPECT_GE(distinct, 18) << "20 of 65,536, drawn at random";
}

TEST_F(ResolverTest, AnswersFromTheCacheAtOnceUntilItExpires) {
  answer_with(address_for);
  Options options = options_for({server_->endpoint()});
  options.ttl_min = milliseconds(0);
  options.ttl_max = milliseconds(500);
  use(options);
  EXPECT_EQ(ask("mail.example.com", RecordType::kA).status, AnswerStatus::kOk);
  const auto cached = resolver_->lookup({"MAIL.example.com.", RecordType::kA}, nullptr);
  ASSERT_TRUE(cached.has_value());
  EXPECT_THAT(cached->addresses, ElementsAre(ipv4(192, 0, 2, 1)));
  EXPECT_EQ(server_->queries(), 1U);
  io::Timer later(loop_, [this] { loop_.stop(); });
  later.set(cached->expires);
  run();
  EXPECT_EQ(ask("mail.example.com", RecordType::kA).status, AnswerStatus::kOk);
  EXPECT_EQ(server_->queries(), 2U);
  EXPECT_EQ(resolver_->stats().queries, 2U);
  EXPECT_EQ(resolver_->stats().cache_hits, 1U);
}

TEST_F(ResolverTest, RemembersFailuresForAShortTime) {
  answer_with([](std::string_view query) { return reply_to(query, 2); });
  const Instant before = loop_.now();
  const dns::Answer first = ask("example.com", RecordType::kMx);
  EXPECT_EQ(first.status, AnswerStatus::kServFail);
  EXPECT_GE(first.expires, before + seconds(5));
  EXPECT_LE(first.expires, loop_.now() + seconds(5));
  EXPECT_EQ(first.words,
            "SERVFAIL for example.com MX from " + render_endpoint(server_->endpoint()));
  EXPECT_EQ(ask("example.com", RecordType::kMx).status, AnswerStatus::kServFail);
  EXPECT_EQ(server_->queries(), 1U);
  EXPECT_EQ(resolver_->stats().failures, 1U);
}

TEST_F(ResolverTest, OneQueryServesEverybodyWhoAsksTheSame) {
  answer_with(address_for);
  int answered = 0;
  const auto count = [&](const dns::Question&, const dns::Answer& answer) {
    EXPECT_EQ(answer.status, AnswerStatus::kOk);
    if (++answered == 100) loop_.stop();
  };
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(resolver_->lookup({i % 2 ? "a.example" : "A.EXAMPLE", RecordType::kA}, count),
              std::nullopt);
  }
  run();
  EXPECT_EQ(answered, 100);
  EXPECT_EQ(server_->queries(), 1U);
}

TEST_F(ResolverTest, KeepsNoMoreQueriesUnderWayThanItMay) {
  constexpr std::size_t kQueriesMax = 3;
  std::vector<std::string> held;
  answer_with([&held](std::string_view query) {
    held.emplace_back(query);
    return std::nullopt;
  });
  Options options = options_for({server_->endpoint()}, milliseconds(100));
  options.queries_max = kQueriesMax;
  use(options);
  int answered = 0;
  for (int i = 0; i < 7; ++i) {
    resolver_->lookup({"h" + std::to_string(i) + ".example", RecordType::kA},
                      [&](const dns::Question&, const dns::Answer& answer) {
                        EXPECT_EQ(answer.status, AnswerStatus::kTimeout);
                        ++answered;
                        EXPECT_LE(held.size(), (static_cast<std::size_t>(answered) + 2) / 3 * 3);
                        if (answered == 7) loop_.stop();
                      });
  }
  EXPECT_EQ(resolver_->stats().queries, kQueriesMax);
  run();
  EXPECT_EQ(resolver_->stats().queries, 7U);
  EXPECT_EQ(held.size(), 7U) << "all were sent in the end";
}

TEST_F(ResolverTest, SendsInBurstsThatAServersSocketBufferCanHold) {
  answer_with([](std::string_view) { return std::nullopt; });
  Options options = options_for({server_->endpoint()});
  options.burst_max = 5;
  use(options);
  for (int i = 0; i < 12; ++i) {
    resolver_->lookup({"h" + std::to_string(i) + ".example", RecordType::kA}, nullptr);
  }
  EXPECT_EQ(resolver_->stats().queries, 5U);
  io::Timer soon(loop_, [this] { loop_.stop(); });
  const Instant begin = loop_.now();
  soon.set(begin + milliseconds(100));
  run();
  EXPECT_EQ(resolver_->stats().queries, 12U) << "silence does not hold the next ones up for long";
  EXPECT_EQ(server_->queries(), 12U);
}

TEST_F(ResolverTest, ASilentServerIsATimeoutAfterAllTries) {
  answer_with([](std::string_view) { return std::nullopt; });
  Options options = options_for({server_->endpoint()}, milliseconds(50));
  options.tries = 2;
  use(options);
  const Instant before = loop_.fresh_now();
  const dns::Answer answer = ask("example.com", RecordType::kMx);
  EXPECT_EQ(answer.status, AnswerStatus::kTimeout);
  EXPECT_THAT(answer.words, HasSubstr("no answer for example.com MX from 127.0.0.1:"));
  EXPECT_EQ(server_->queries(), 2U);
  EXPECT_GE(loop_.fresh_now() - before, milliseconds(100));
}

TEST_F(ResolverTest, AServerThatIsNotThereIsTemporaryAndToldLater) {
  answer_with(address_for);
  const Endpoint gone = server_->endpoint();
  server_.reset();
  use(options_for({gone}));
  const dns::Answer answer = ask("example.com", RecordType::kMx);
  EXPECT_EQ(answer.status, AnswerStatus::kTimeout);
  EXPECT_THAT(answer.words, HasSubstr("no connection"));
}

TEST_F(ResolverTest, TheSecondServerIsAskedWhenTheFirstIsNotThere) {
  answer_with(address_for);
  Endpoint gone;
  {
    const UdpResponder short_lived(loop_, address_for);
    gone = short_lived.endpoint();
  }
  Options options = options_for({gone, server_->endpoint()});
  options.tries = 2;
  use(options);
  EXPECT_EQ(ask("example.com", RecordType::kA).status, AnswerStatus::kOk);
}

TEST_F(ResolverTest, MapsRefusedAndNotImplemented) {
  unsigned rcode = 5;
  answer_with([&rcode](std::string_view query) { return reply_to(query, rcode); });
  EXPECT_EQ(ask("a.example", RecordType::kMx).status, AnswerStatus::kRefused);
  rcode = 4;
  EXPECT_EQ(ask("b.example", RecordType::kMx).status, AnswerStatus::kServFail);
  rcode = 3;
  EXPECT_EQ(ask("c.example", RecordType::kMx).status, AnswerStatus::kNxDomain);
}

TEST_F(ResolverTest, AServerWithoutEdnsIsAskedAgainWithoutIt) {
  answer_with([](std::string_view query) {
    const bool with_opt = query[11] != 0;
    return with_opt ? reply_to(query, 1) : reply_with(query, 300, kAddress);
  });
  const dns::Answer answer = ask("old.example", RecordType::kA);
  EXPECT_EQ(answer.status, AnswerStatus::kOk) << answer.words;
  EXPECT_EQ(server_->queries(), 2U);
}

TEST_F(ResolverTest, GarbageBehindTheQuestionIsMalformed) {
  answer_with([](std::string_view query) {
    std::string packet = reply_with(query, 300, kAddress);
    packet.resize(packet.size() - 2);
    return packet;
  });
  EXPECT_EQ(ask("example.com", RecordType::kA).status, AnswerStatus::kMalformed);
}

TEST_F(ResolverTest, AnswersToSomethingElseAreNotBelieved) {
  answer_with([](std::string_view query) -> std::optional<std::string> {
    std::string packet = reply_with(query, 300, kAddress);
    if (query[13] == 'i') packet[0] = static_cast<char>(packet[0] ^ 1);    // another id
    if (query[13] == 'q') packet[14] = static_cast<char>(packet[14] + 1);  // another question
    if (query[13] == 'g') packet = "\xff\xff\xff";
    if (query[13] == 'e') packet = "";
    return packet;
  });
  use(options_for({server_->endpoint()}, milliseconds(50)));
  for (const char* name : {"id.example", "question.example", "garbage.example", "empty.example"}) {
    EXPECT_EQ(ask(name, RecordType::kA).status, AnswerStatus::kTimeout) << name;
  }
}

TEST_F(ResolverTest, AsksForULabelsAsALabels) {
  answer_with(address_for);
  EXPECT_EQ(ask("B\xc3\xbc\x63her.example", RecordType::kA).status, AnswerStatus::kOk);
  EXPECT_THAT(server_->last_query(), HasSubstr("\x0dxn--bcher-kva\7example"));
  const auto cached = resolver_->lookup({"xn--bcher-kva.example", RecordType::kA}, nullptr);
  EXPECT_TRUE(cached.has_value()) << "the same name in A-labels";
}

TEST_F(ResolverTest, ANameThatCannotExistIsNotAskedFor) {
  answer_with(address_for);
  for (const std::string& name :
       {"a..b"s, std::string(64, 'a') + ".example", "\xff\xfe.example"s, "\xc3\xbc\0x"s}) {
    const dns::Answer answer = ask(name, RecordType::kA);
    EXPECT_EQ(answer.status, AnswerStatus::kNxDomain) << name;
    EXPECT_NE(answer.words, "");
  }
  EXPECT_EQ(server_->queries(), 0U);
}

TEST_F(ResolverTest, ACallbackMayAskAgainAndMayDestroyTheResolver) {
  answer_with(address_for);
  bool told_after_death = false;
  resolver_->lookup({"a.example", RecordType::kA}, [&](const auto&, const auto&) {
    resolver_->lookup({"b.example", RecordType::kA}, [&](const auto&, const auto&) {
      resolver_.reset();
      loop_.stop();
    });
    resolver_->lookup({"b.example", RecordType::kA},
                      [&](const auto&, const auto&) { told_after_death = true; });
  });
  run();
  EXPECT_EQ(resolver_, nullptr);
  EXPECT_FALSE(told_after_death);
}

TEST_F(ResolverTest, DestroyedWithQueriesUnderWayItTellsNobody) {
  answer_with([](std::string_view) { return std::nullopt; });
  resolver_->lookup({"a.example", RecordType::kA},
                    [](const auto&, const auto&) { FAIL() << "told after its end"; });
  resolver_.reset();
  io::Timer soon(loop_, [this] { loop_.stop(); });
  soon.set(loop_.now());
  run();
}

TEST_F(ResolverTest, BelievesAdOfLoopbackServersOnly) {
  answer_with([](std::string_view query) {
    std::string packet = reply_with(query, 300, kAddress);
    packet[3] = static_cast<char>(packet[3] | 0x20);
    return packet;
  });
  EXPECT_TRUE(resolver_->believes_ad());
  EXPECT_TRUE(ask("a.example", RecordType::kA).authentic);
  use(options_for({server_->endpoint(), {ipv4(192, 0, 2, 53), 53}}));
  EXPECT_FALSE(resolver_->believes_ad());
  EXPECT_FALSE(ask("a.example", RecordType::kA).authentic);
}

TEST_F(ResolverTest, RefusesOptionsThatCannotWork) {
  const auto no_port = Resolver::make(loop_, options_for({{ipv4(127, 0, 0, 1), 0}}));
  ASSERT_FALSE(no_port);
  EXPECT_EQ(no_port.error().code, ErrorCode::kInvalid);
  Options no_tries = options_for({{ipv4(127, 0, 0, 1), 53}});
  no_tries.tries = 0;
  const auto never = Resolver::make(loop_, no_tries);
  EXPECT_FALSE(never);
}

TEST_F(ResolverTest, TakesTheServersOfTheSystemWhenNoneAreGiven) {
  const auto made = Resolver::make(loop_, Options{});
  EXPECT_TRUE(made) << made.error().words;
}

}  // namespace
}  // namespace posthaste::resolver
