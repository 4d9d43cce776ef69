// What the operator does with mail in the queue.
#include <algorithm>
#include <chrono>

#include "tests/unit/delivery/engine_rig.h"

namespace posthaste::delivery {
namespace {

using smtp::Stage;
using smtp::Verdict;

Entry waiting(MessageId id, const std::string& domain, Duration due, std::uint16_t number = 0) {
  Entry entry;
  entry.shard = 7;
  entry.id = id;
  entry.number = number;
  entry.attempts = 1;
  entry.due = kStart + due;
  entry.domain = RoutingDomain(domain);
  entry.retry_class = policy::RetryClass::kGreylist;
  return entry;
}

Steer steer(SteerVerb verb, std::uint64_t ticket = 1) {
  Steer made;
  made.ticket = ticket;
  made.verb = verb;
  made.words = "so it be";
  return made;
}

SteeringView progress(EngineRig& rig, std::uint64_t ticket = 1) {
  const auto view = rig.engine().steering(ticket);
  EXPECT_TRUE(view.has_value());
  return view.value_or(SteeringView{});
}

// The letter that the engine asked for, as the store has it.
std::shared_ptr<mail::Letter> stored(const Load& load, const std::string& domain = "example.com") {
  auto letter = make_letter(load.id, std::vector<std::string>(8, "a@" + domain), kStart);
  std::erase_if(letter->recipients, [&](const auto& pending) {
    return std::find(load.numbers.begin(), load.numbers.end(), pending.recipient.number) ==
           load.numbers.end();
  });
  for (auto& pending : letter->recipients) {
    pending.progress.attempts = 1;
    pending.progress.due = kStart + 1h;
    pending.progress.retry_class = "greylist";
  }
  return letter;
}

// Has everything that was asked for loaded and stored; what came of it.
std::vector<Settlement> carry_out(EngineRig& rig) {
  std::vector<Settlement> fates;
  std::vector<Load> loads = rig.all<Load>();
  std::vector<Persist> persists = rig.all<Persist>();
  while (!loads.empty() || !persists.empty()) {
    if (!loads.empty()) {
      const Load load = loads.front();
      loads.erase(loads.begin());
      rig.tell(Loaded{load.id, stored(load)});
    } else {
      const Persist persist = persists.front();
      persists.erase(persists.begin());
      for (const auto& settlement : persist.settlements) fates.push_back(settlement);
      rig.persisted(persist);
    }
    for (const auto& load : rig.all<Load>()) loads.push_back(load);
    for (const auto& persist : rig.all<Persist>()) persists.push_back(persist);
  }
  return fates;
}

TEST(EngineSteer, RetriesNowWhatWaitsAndWhatIsBackedOff) {
  EngineRig rig;
  rig.arrive({"a@example.com"});
  rig.fail(rig.route().conn, Stage::kConnect);
  rig.persisted(rig.only<Persist>());
  rig.arrive({"b@example.com"});
  ASSERT_TRUE(rig.all<Lookup>().empty()) << "backed off";
  rig.tell(steer(SteerVerb::kRetry));
  EXPECT_EQ(progress(rig).matched, 2U);
  EXPECT_EQ(progress(rig).left, 0U);
  EXPECT_EQ(rig.engine().counts().ready, 2U);
  EXPECT_FALSE(rig.all<Lookup>().empty() && rig.all<Load>().empty());
}

TEST(EngineSteer, TriesOnceMoreWhatItRetriesThoughItsTimeIsUp) {
  EngineRig rig;
  rig.options.retry.defaults.intervals = {30h};
  rig.arrive({"a@example.com"});
  rig.fail(rig.route().conn, Stage::kConnect);
  rig.persisted(rig.only<Persist>());
  const MessageId old = id_at(kStart - 200h);
  rig.tell(waiting(old, "example.com", 20h));
  rig.now = kStart + 1h;
  rig.tell(steer(SteerVerb::kRetry));
  const auto load = rig.only<Load>();
  EXPECT_EQ(load.id, old);
  EXPECT_TRUE(load.for_delivery) << "nobody has called since";
}

TEST(EngineSteer, RetriesOnlyWhatTheSelectionNames) {
  EngineRig rig;
  rig.tell(waiting(id_at(kStart - 2h), "example.com", 1h));
  rig.tell(waiting(id_at(kStart - 1h), "example.com", 1h));
  rig.tell(waiting(id_at(kStart - 2h, 1), "other.example", 1h));
  auto order = steer(SteerVerb::kRetry);
  order.selection.domains = {*policy::parse_domain_pattern("example.com")};
  order.selection.arrived_before = kStart - 90min;
  order.selection.retry_class = policy::RetryClass::kGreylist;
  rig.tell(order);
  EXPECT_EQ(progress(rig).matched, 1U);
  order.ticket = 2;
  order.selection.retry_class = policy::RetryClass::kDns;
  rig.tell(order);
  EXPECT_EQ(progress(rig, 2).matched, 0U);
  EXPECT_EQ(rig.engine().counts().waiting, 2U);
}

TEST(EngineSteer, HoldsAtOnceAndStoresItAfterwards) {
  EngineRig rig;
  rig.tell(waiting(id_at(kStart), "example.com", 1h, 0));
  rig.tell(waiting(id_at(kStart), "example.com", 1h, 1));
  rig.tell(steer(SteerVerb::kHold));
  EXPECT_EQ(progress(rig).matched, 2U);
  EXPECT_EQ(progress(rig).left, 2U);
  EXPECT_EQ(rig.engine().counts().waiting, 0U);
  EXPECT_FALSE(rig.only<Load>().for_delivery) << "both in one batch, only for its header";
  const auto fates = carry_out(rig);
  ASSERT_EQ(fates.size(), 2U);
  for (const Settlement& fate : fates) {
    EXPECT_EQ(fate.ending, Ending::kHeld);
    EXPECT_TRUE(fate.after.held);
    EXPECT_EQ(fate.after.revision, 1U);
    EXPECT_EQ(fate.after.attempts, 1U) << "it was no attempt";
    EXPECT_EQ(fate.after.due, kStart + 1h);
    EXPECT_TRUE(fate.by_operator);
    EXPECT_EQ(fate.reply.text, "so it be");
  }
  EXPECT_EQ(progress(rig).left, 0U);
  EXPECT_EQ(rig.engine().counts().held, 2U);
  rig.ring_at(kStart + 30h);
  EXPECT_TRUE(rig.out.empty()) << "neither tried nor expired";
}

TEST(EngineSteer, ReleasesWhatIsHeldAsItWasDue) {
  EngineRig rig;
  Entry entry = waiting(id_at(kStart), "example.com", 1h);
  entry.held = true;
  rig.tell(entry);
  rig.tell(steer(SteerVerb::kRetry));
  EXPECT_EQ(progress(rig).matched, 0U) << "held is held";
  EXPECT_EQ(rig.engine().counts().held, 1U);
  rig.tell(steer(SteerVerb::kRelease, 2));
  const auto fates = carry_out(rig);
  ASSERT_EQ(fates.size(), 1U);
  EXPECT_EQ(fates[0].ending, Ending::kReleased);
  EXPECT_FALSE(fates[0].after.held);
  EXPECT_EQ(rig.engine().counts().held, 0U);
  EXPECT_EQ(rig.engine().counts().waiting, 1U);
  EXPECT_EQ(rig.engine().deadline(), kStart + 1h);
}

TEST(EngineSteer, RemovesWithoutAWordAndBouncesWithTheOperators) {
  for (const SteerVerb verb : {SteerVerb::kRemove, SteerVerb::kBounce}) {
    EngineRig rig;
    Entry held = waiting(id_at(kStart), "example.com", 1h);
    held.held = true;
    rig.tell(held);
    rig.tell(waiting(id_at(kStart, 1), "example.com", 1h));
    rig.tell(steer(verb));
    const auto fates = carry_out(rig);
    ASSERT_EQ(fates.size(), 2U);
    const bool bounce = verb == SteerVerb::kBounce;
    EXPECT_EQ(fates[0].ending, bounce ? Ending::kBounced : Ending::kRemoved);
    EXPECT_EQ(fates[0].status, (smtp::EnhancedCode{5, 7, 1}));
    EXPECT_EQ(fates[0].reply.text, "so it be");
    const Counts counts = rig.engine().counts();
    EXPECT_EQ(counts.waiting + counts.held + counts.in_flight, 0U);
    EXPECT_EQ(rig.engine().oldest(), kNever);
  }
}

TEST(EngineSteer, TakesWhatIsStagedAndLeavesWhatIsUnderWay) {
  EngineRig rig;
  rig.options.limits.connections = 1;
  rig.arrive({"a@example.com"});
  rig.arrive({"b@example.com"});
  rig.arrive({"c@example.com"});
  rig.ready(rig.route().conn);
  const auto under_way = rig.only<Deliver>();
  rig.tell(steer(SteerVerb::kRemove));
  EXPECT_EQ(progress(rig).matched, 2U);
  EXPECT_EQ(progress(rig).under_way, 1U);
  ASSERT_EQ(rig.all<Persist>().size(), 2U) << "they are warm: nothing has to be loaded";
  const auto removed = rig.all<Persist>();
  for (const auto& persist : removed) rig.persisted(persist);
  EXPECT_EQ(progress(rig).left, 0U);
  rig.delivered(under_way);
  EXPECT_TRUE(rig.all<Deliver>().empty());
  rig.persisted(rig.only<Persist>());
  EXPECT_EQ(rig.engine().oldest(), kNever);
}

TEST(EngineSteer, TakesABatchWhoseLetterIsOnItsWay) {
  EngineRig rig;
  rig.tell(waiting(id_at(kStart), "example.com", 0s));
  rig.ring();
  const auto load = rig.only<Load>();
  rig.tell(steer(SteerVerb::kHold));
  EXPECT_EQ(progress(rig).matched, 1U);
  EXPECT_TRUE(rig.all<Load>().empty());
  rig.tell(Loaded{load.id, stored(load)});
  EXPECT_EQ(rig.only<Persist>().settlements.at(0).ending, Ending::kHeld);
  rig.persisted(rig.only<Persist>());
  EXPECT_EQ(rig.engine().counts().held, 1U);
}

TEST(EngineSteer, LetsALaterWordOvertakeAnEarlierOne) {
  EngineRig rig;
  for (unsigned i = 0; i < 2 * 64; ++i) {
    rig.tell(waiting(id_at(kStart, i), "example.com", 1h));
  }
  rig.tell(steer(SteerVerb::kHold));
  const auto loads = rig.all<Load>();
  EXPECT_EQ(loads.size(), 64U) << "no more are loaded at a time";
  EXPECT_EQ(rig.engine().counts().held, 64U);
  rig.tell(steer(SteerVerb::kRemove, 2));
  EXPECT_EQ(progress(rig).left, 64U) << "those that were begun with";
  EXPECT_EQ(progress(rig, 2).matched, 64U);
  EXPECT_EQ(progress(rig, 2).under_way, 64U);
  for (const auto& load : loads) {
    rig.tell(Loaded{load.id, stored(load)});
    const auto persists = rig.all<Persist>();
    for (const auto& persist : persists) rig.persisted(persist);
  }
  EXPECT_EQ(progress(rig).left, 0U);
  EXPECT_EQ(rig.engine().counts().held, 64U);
}

TEST(EngineSteer, TriesAgainWhatTheStoreCouldNotRead) {
  EngineRig rig;
  const MessageId id = id_at(kStart);
  rig.tell(waiting(id, "example.com", 0s));
  rig.tell(steer(SteerVerb::kHold));
  rig.tell(NotLoaded{7, id, Error{ErrorCode::kIo, "read error"}});
  EXPECT_EQ(progress(rig).left, 1U);
  EXPECT_EQ(rig.engine().counts().held, 1U) << "it is not tried meanwhile";
  EXPECT_TRUE(rig.all<Load>().empty());
  rig.ring();
  EXPECT_EQ(rig.now, kStart + 1min);
  EXPECT_EQ(rig.all<Load>().size(), 1U);
  rig.tell(NotLoaded{7, id, Error{ErrorCode::kNotFound, "gone"}});
  EXPECT_EQ(progress(rig).left, 0U);
  EXPECT_EQ(rig.engine().counts().held, 0U);
  EXPECT_EQ(rig.engine().oldest(), kNever);
}

TEST(EngineSteer, LeavesMailAloneThatItsSenderWantsHeldBackUnlessItIsNamed) {
  EngineRig rig;
  const MessageId id = id_at(kStart);
  Entry entry = waiting(id, "example.com", 48h);
  entry.attempts = 0;
  entry.own_limits = true;
  rig.tell(entry);
  rig.tell(steer(SteerVerb::kRetry));
  EXPECT_EQ(progress(rig).matched, 0U);
  auto named = steer(SteerVerb::kRetry, 2);
  named.selection.messages = std::make_shared<std::vector<MessageId>>(1, id);
  rig.tell(named);
  EXPECT_EQ(progress(rig, 2).matched, 1U);
  EXPECT_EQ(rig.engine().counts().ready, 1U);
}

TEST(EngineSteer, RemembersTheLast64Tickets) {
  EngineRig rig;
  for (std::uint64_t ticket = 1; ticket <= 65; ++ticket) {
    rig.tell(steer(SteerVerb::kRetry, ticket));
  }
  EXPECT_FALSE(rig.engine().steering(1).has_value());
  EXPECT_TRUE(rig.engine().steering(2).has_value());
  EXPECT_TRUE(rig.engine().steering(65).has_value());
}

// The pass itself, not what the store makes of it; a second's worth would be felt by every session.
TEST(EngineSteer, TakesAQuarterOfAMillionOutOfTheScheduleInOnePass) {
  EngineRig rig;
  constexpr unsigned kEntries = 250'000;
  for (unsigned i = 0; i < kEntries; ++i) {
    rig.tell(waiting(id_at(kStart - Duration(1ms) * i), "example.com", 1h + Duration(i)));
  }
  rig.tell(steer(SteerVerb::kHold));
  EXPECT_EQ(progress(rig).matched, kEntries);
  EXPECT_EQ(rig.engine().counts().waiting, 0U);
  EXPECT_EQ(rig.all<Load>().size(), 64U);
}

}  // namespace
}  // namespace posthaste::delivery
