// More destinations want more connections than the worker may have: how they are shared out, and
// what that costs.
#include <algorithm>
#include <deque>
#include <map>

#include "lib/base/overloaded.h"
#include "tests/unit/delivery/engine_rig.h"

namespace posthaste::delivery {
namespace {

// Hosts that take everything. What the engine asks for comes a step later, all of it in one step.
class BusyWorld {
 public:
  explicit BusyWorld(std::uint32_t connections_max) {
    rig_.options.connections_max = connections_max;
    rig_.options.limits.connections = 20;
    rig_.options.limits.messages_per_connection = 1'000'000;
  }

  // Mail that lies on the disk.
  void add(const std::string& domain, unsigned messages) {
    for (unsigned i = 0; i < messages; ++i) {
      const MessageId id = id_at(kStart, ++sequence_);
      domains_[id] = domain;
      tell(Entry{7, id, 0, 0, 0, kStart, RoutingDomain(domain)});
    }
  }
  // Until nothing happens by itself any more, or that many messages have gone.
  void run(std::size_t messages) {
    const std::size_t until = delivered_.size() + messages;
    for (int quiet = 0; quiet < 3 && delivered_.size() < until;) {
      std::deque<Event> step;
      std::swap(step, next_);
      quiet = step.empty() ? quiet + 1 : 0;
      const Instant next = rig_.engine().deadline();
      if (step.empty() && next != kNever) rig_.now = std::max(rig_.now, next);
      step.emplace_back(Tick{});
      rig_.now += 1ms;
      for (Event& event : step) tell(std::move(event));
    }
  }

  // Messages, by domain, of the last `last` ones that were delivered.
  std::map<std::string, int> shares(std::size_t last) const {
    std::map<std::string, int> shares;
    const std::size_t from = delivered_.size() - std::min(last, delivered_.size());
    for (std::size_t i = from; i < delivered_.size(); ++i) ++shares[delivered_[i]];
    return shares;
  }
  std::size_t delivered() const { return delivered_.size(); }
  std::size_t calls() const { return calls_; }
  std::size_t unused() const {  // connections that carried nothing
    return static_cast<std::size_t>(
        std::count_if(carried_.begin(), carried_.end(), [](const auto& c) { return !c.second; }));
  }

 private:
  void tell(Event event) {
    for (Action& action : rig_.tell(std::move(event))) carry_out(action);
  }
  void carry_out(Action& action) {
    std::visit(Overloaded{
                   [&](Lookup& e) { look_up(e.question); },
                   [&](Load& e) {
                     next_.emplace_back(Loaded{e.id, letter(e.id)});
                   },
                   [&](Connect& e) {
                     ++calls_;
                     carried_[e.conn.value] = false;
                     next_.emplace_back(SessionReady{e.conn, {}, std::nullopt});
                   },
                   [&](Deliver& e) {
                     carried_[e.conn.value] = true;
                     delivered_.push_back(domains_.at(e.letter->envelope->id));
                     smtp::TransactionResult result;
                     result.outcomes.push_back(outcome(0, smtp::Verdict::kDelivered, 250));
                     next_.emplace_back(SessionFinished{e.conn, result});
                   },
                   [&](Quit& e) { next_.emplace_back(SessionClosed{e.conn}); },
                   [&](Persist& e) {
                     next_.emplace_back(Persisted{e.shard, e.letter->envelope->id, {0}});
                   },
                   [](auto&) {},
               },
               action);
  }
  void look_up(const dns::Question& question) {
    dns::Answer answer;
    answer.status = dns::AnswerStatus::kOk;
    answer.expires = rig_.now + 24h;
    if (question.type == dns::RecordType::kMx) {
      answer.mx.push_back({10, MxName("mx." + question.name)});
    } else if (question.type == dns::RecordType::kA) {
      answer.addresses.push_back(*parse_ip("11.0.0.1"));
    } else {
      answer.status = dns::AnswerStatus::kNoData;
    }
    next_.emplace_back(Answered{question, answer});
  }
  std::shared_ptr<mail::Letter> letter(MessageId id) const {
    return make_letter(id, {"a@" + domains_.at(id)}, kStart);
  }

  EngineRig rig_;
  unsigned sequence_ = 0;
  std::map<MessageId, std::string> domains_;
  std::deque<Event> next_;
  std::vector<std::string> delivered_;
  std::map<std::uint64_t, bool> carried_;
  std::size_t calls_ = 0;
};

std::string numbered(int number) { return "d" + std::to_string(number) + ".example"; }

TEST(EngineShare, LeavesConnectionsWhereTheyAreOnceTheyAreSharedOut) {
  BusyWorld world(8);
  for (int i = 0; i < 4; ++i) world.add(numbered(i), 1000);
  world.run(3000);
  for (const auto& [domain, messages] : world.shares(800)) EXPECT_NEAR(messages, 200, 40) << domain;
  world.run(2000);
  EXPECT_EQ(world.delivered(), 4000U);
  EXPECT_LE(world.calls(), 40U) << "a hundred messages each, at least";
  EXPECT_LE(world.unused(), 4U);
}

TEST(EngineShare, SharesOutEvenlyHoweverLateADestinationComes) {
  BusyWorld world(12);
  world.add(numbered(0), 4000);
  world.run(500);
  EXPECT_EQ(world.shares(100).size(), 1U);
  world.add(numbered(1), 2000);
  world.add(numbered(2), 2000);
  world.run(1500);
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(world.shares(600)[numbered(i)], 200, 60) << i;
}

TEST(EngineShare, ServesAllInTurnWhenThereAreFewerConnectionsThanDestinations) {
  BusyWorld world(3);
  for (int i = 0; i < 9; ++i) world.add(numbered(i), 300);
  world.run(360);
  EXPECT_EQ(world.shares(360).size(), 9U) << "twenty messages a connection, then another's turn";
  world.run(3000);
  EXPECT_EQ(world.delivered(), 2700U);
  EXPECT_LE(world.calls(), 2700U / 20 + 30);
  EXPECT_LE(world.unused(), 5U);
}

TEST(EngineShare, LetsWhoHasNoConnectionGoBeforeWhoHasSome) {
  BusyWorld world(4);
  for (int i = 0; i < 2; ++i) world.add(numbered(i), 1000);
  world.run(400);
  world.add("late.example", 1);
  const std::size_t calls = world.calls();
  world.run(20);
  EXPECT_EQ(world.shares(20).count("late.example"), 1U);
  EXPECT_LE(world.calls(), calls + 2) << "one gives a connection up for it, not all";
}

}  // namespace
}  // namespace posthaste::delivery
