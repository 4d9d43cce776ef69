// Urgent mail goes first (RFC 6710).
#include "lib/delivery/ready_lanes.h"
#include "tests/unit/delivery/engine_rig.h"

namespace posthaste::delivery {
namespace {

std::shared_ptr<mail::Letter> urgent(EngineRig& rig, unsigned sequence, const std::string& to,
                                     std::int8_t priority) {
  auto letter = make_letter(id_at(rig.now, sequence), {to}, rig.now);
  letter->recipients.front().priority = priority;
  return letter;
}

TEST(EnginePriority, GivesTheNextConnectionToTheMostUrgentMessage) {
  EngineRig rig;
  rig.options.limits.connections = 1;
  rig.arrive(urgent(rig, 1, "first@example.com", 0));
  const auto connect = rig.route();
  rig.arrive(urgent(rig, 2, "low@example.com", -3));
  rig.arrive(urgent(rig, 3, "second@example.com", 0));
  rig.arrive(urgent(rig, 4, "high@example.com", 5));
  rig.arrive(urgent(rig, 5, "third@example.com", 0));
  rig.ready(connect.conn);
  std::vector<std::string> order;
  for (auto delivers = rig.all<Deliver>(); !delivers.empty(); delivers = rig.all<Deliver>()) {
    order.push_back(delivers.front().recipients.front().address.text());
    rig.delivered(delivers.front());
  }
  const std::vector<std::string> expected{"first@example.com", "high@example.com",
                                          "second@example.com", "third@example.com",
                                          "low@example.com"};
  EXPECT_EQ(order, expected);
}

// What the store gives back late must not get in front of what has waited longer.
TEST(EnginePriority, KeepsTheOrderOfWhatHasToBeLoadedFirst) {
  EngineRig rig;
  std::vector<std::shared_ptr<mail::Letter>> letters;
  for (unsigned i = 1; i <= 4; ++i) {
    letters.push_back(make_letter(id_at(rig.now, i), {"user@example.com"}, rig.now));
    Entry entry;
    entry.shard = 7;
    entry.id = letters.back()->envelope->id;
    entry.due = rig.now;
    entry.domain = RoutingDomain("example.com");
    rig.tell(entry);
  }
  const auto load = [&](unsigned number) {
    return rig.tell(Loaded{letters[number]->envelope->id, letters[number]});
  };
  rig.ring();
  const auto first = rig.route();
  load(0);
  rig.ready(first.conn);
  const auto deliver = rig.only<Deliver>();
  EXPECT_EQ(deliver.letter, letters[0]);
  // A second connection is on its way, and two messages are looked for.
  load(2);
  load(1);
  load(2);
  rig.delivered(deliver);
  EXPECT_EQ(rig.only<Deliver>().letter, letters[1]);
}

Scheduled entry(std::uint64_t id, std::int8_t priority) {
  Scheduled made;
  made.id = MessageId{id};
  made.priority = priority;
  return made;
}

TEST(ReadyLanes, KeepTheOrderOfArrivalWithinAPriority) {
  ReadyLanes lanes;
  lanes.push_back(entry(1, 0));
  lanes.push_back(entry(2, -1));
  lanes.push_back(entry(3, 9));
  lanes.push_back(entry(4, 0));
  lanes.push_front(entry(5, -1));
  lanes.push_back(entry(6, 9));
  EXPECT_EQ(lanes.size(), 6U);
  std::vector<std::uint64_t> order;
  lanes.for_each([&](const Scheduled& one) { order.push_back(one.id.value); });
  EXPECT_EQ(order, (std::vector<std::uint64_t>{3, 6, 1, 4, 5, 2}));
  order.clear();
  while (!lanes.empty()) {
    ASSERT_EQ(lanes.front().id, lanes.front().id);
    order.push_back(lanes.pop_front().id.value);
  }
  EXPECT_EQ(order, (std::vector<std::uint64_t>{3, 6, 1, 4, 5, 2}));
  EXPECT_EQ(lanes.size(), 0U);
}

TEST(ReadyLanes, GiveUpThoseThatAreWanted) {
  ReadyLanes lanes;
  for (std::uint64_t i = 0; i < 30; ++i) {
    lanes.push_back(entry(i, static_cast<std::int8_t>(i % 3)));
  }
  std::vector<Scheduled> taken;
  lanes.take([](const Scheduled& one) { return one.priority == 2 || one.id.value < 6; }, taken);
  EXPECT_EQ(taken.size(), 14U);
  EXPECT_EQ(lanes.size(), 16U);
  EXPECT_EQ(lanes.pop_front().id.value, 7U);
  lanes.take([](const Scheduled&) { return true; }, taken);
  EXPECT_TRUE(lanes.empty());
  EXPECT_EQ(lanes.size(), 0U);
  lanes.push_back(entry(99, 1));
  EXPECT_EQ(lanes.pop_front().id.value, 99U);
}

// A lone lane is a ready line, to the byte.
TEST(ReadyLanes, CostNothingMoreWhileAllAreOfOnePriority) {
  ReadyLanes lanes;
  ReadyLine line;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    lanes.push_back(entry(i, 4));
    line.push_back(entry(i, 4));
    ASSERT_EQ(lanes.memory_bytes(), line.memory_bytes());
  }
}

}  // namespace
}  // namespace posthaste::delivery
