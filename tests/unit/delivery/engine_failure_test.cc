// The bad days: hosts that are down, connections that break, time that runs out, and our own
// troubles.
#include "tests/unit/delivery/engine_rig.h"

namespace posthaste::delivery {
namespace {

using smtp::Stage;
using smtp::Verdict;

TEST(EngineFailure, ChargesOneBatchWhenADestinationIsDownAndProbesWithOneAgain) {
  EngineRig rig;
  for (int i = 0; i < 3; ++i) rig.arrive({"a@example.com"});
  rig.fail(rig.route().conn, Stage::kConnect);
  const auto persist = rig.only<Persist>();
  EXPECT_EQ(persist.settlements[0].after.attempts, 1U);
  EXPECT_EQ(persist.settlements[0].retry_class, policy::RetryClass::kConnect);
  EXPECT_EQ(rig.only<BackedOff>().until, kStart + 1min);
  rig.persisted(persist);
  EXPECT_EQ(rig.engine().counts().ready, 2U);
  EXPECT_EQ(rig.engine().counts().waiting, 1U);
  rig.arrive({"b@example.com"});
  EXPECT_TRUE(rig.out.empty()) << "nobody is tried until then";
  rig.ring();
  EXPECT_EQ(rig.now, kStart + 1min);
  rig.route();
  rig.fail(rig.only<Connect>().conn, Stage::kConnect);
  EXPECT_TRUE(rig.all<Persist>().empty()) << "its letter is not there yet";
  EXPECT_EQ(rig.only<BackedOff>().until, rig.now + 5min) << "failures in a row count up";
}

TEST(EngineFailure, CountsFailuresAnewAfterASuccess) {
  EngineRig rig;
  auto letter = rig.arrive({"a@example.com"});
  rig.fail(rig.route().conn, Stage::kConnect);
  rig.persisted(rig.only<Persist>());
  rig.ring();
  rig.tell(Loaded{letter->envelope->id, letter});
  const auto connect = rig.route();
  rig.ready(connect.conn);
  rig.delivered(rig.only<Deliver>());
  rig.fail(connect.conn, Stage::kIdle);
  rig.arrive({"b@example.com"});
  rig.fail(rig.only<Connect>().conn, Stage::kConnect);
  EXPECT_EQ(rig.only<BackedOff>().until, rig.now + 1min);
}

TEST(EngineFailure, DefersAndBacksOffWhereEveryHostRefusesUsInItsGreeting) {
  EngineRig rig;
  rig.arrive({"a@example.com"});
  rig.arrive({"b@example.com"});
  rig.fail(rig.route().conn, Stage::kGreeting, 554);
  const auto persist = rig.only<Persist>();
  ASSERT_EQ(persist.settlements.size(), 1U) << "the head pays for the walk, nobody else";
  EXPECT_EQ(persist.settlements.at(0).ending, Ending::kDeferred);
  EXPECT_EQ(persist.settlements.at(0).reply.code, 554) << "what the host said, as it said it";
  EXPECT_EQ(rig.all<BackedOff>().size(), 1U);
  EXPECT_TRUE(rig.all<Connect>().empty());
}

TEST(EngineFailure, BouncesTheHeadAloneWhereEveryHostTakesNoMailAtAll) {
  EngineRig rig;
  rig.arrive({"a@example.com"});
  rig.arrive({"b@example.com"});
  rig.fail(rig.route().conn, Stage::kGreeting, 521);
  EXPECT_EQ(rig.only<Persist>().settlements.at(0).ending, Ending::kBounced);
  EXPECT_TRUE(rig.all<BackedOff>().empty());
  EXPECT_EQ(rig.all<Lookup>().size(), 1U) << "the next one asks for itself";
}

TEST(EngineFailure, DefersWhereOneHostRefusesAndAnotherIsBusy) {
  EngineRig rig;
  rig.arrive({"a@example.com"});
  rig.answer_mx("example.com", {"mx1.example.com"});
  rig.answer_a("mx1.example.com", {"11.0.0.1", "11.0.0.2"});
  rig.fail(rig.only<Connect>().conn, Stage::kGreeting, 421);
  rig.fail(rig.only<Connect>().conn, Stage::kGreeting, 554);
  const auto settlement = rig.only<Persist>().settlements.at(0);
  EXPECT_EQ(settlement.ending, Ending::kDeferred);
  EXPECT_EQ(settlement.retry_class, policy::RetryClass::kThrottled);
  EXPECT_EQ(settlement.reply.code, 421);
}

TEST(EngineFailure, DefersByTheReplyAndBouncesForGood) {
  EngineRig rig;
  rig.arrive({"a@example.com", "b@example.com", "c@example.com"});
  rig.ready(rig.route().conn);
  const auto deliver = rig.only<Deliver>();
  smtp::TransactionResult result;
  result.outcomes = {outcome(0, Verdict::kTemporary, 450), outcome(1, Verdict::kPermanent, 550),
                     outcome(2, Verdict::kDelivered, 250)};
  result.outcomes[0].reply.enhanced = {4, 2, 0};
  rig.tell(SessionFinished{deliver.conn, result});
  const auto settlements = rig.only<Persist>().settlements;
  ASSERT_EQ(settlements.size(), 3U);
  EXPECT_EQ(settlements[0].ending, Ending::kDeferred);
  EXPECT_EQ(settlements[0].retry_class, policy::RetryClass::kGreylist);
  EXPECT_EQ(settlements[1].ending, Ending::kBounced);
  EXPECT_EQ(smtp::render_enhanced(settlements[1].status), "5.0.0") << "always a status";
  EXPECT_EQ(settlements[2].ending, Ending::kDelivered);
}

TEST(EngineFailure, TriesTheUntriedAtOnceAtTheNextCandidate) {
  EngineRig rig;
  rig.arrive({"a@example.com", "b@example.com"});
  rig.answer_mx("example.com", {"mx1.example.com"});
  rig.answer_a("mx1.example.com", {"11.0.0.1", "11.0.0.2"});
  const auto first = rig.only<Connect>();
  rig.ready(first.conn);
  rig.finish(rig.only<Deliver>(), Verdict::kUntried);
  EXPECT_TRUE(rig.all<Persist>().empty());
  const auto second = rig.only<Connect>();
  EXPECT_EQ(render_endpoint(second.endpoint), "11.0.0.2:25");
  rig.fail(first.conn, Stage::kMail);
  rig.ready(second.conn);
  EXPECT_EQ(rig.only<Deliver>().recipients.size(), 2U);
}

TEST(EngineFailure, DefersWhatWasLostOnTooManyConnections) {
  EngineRig rig;
  rig.options.hosts_per_attempt = 2;
  rig.options.limits.connections = 1;
  rig.arrive({"good@example.com"});
  rig.arrive({"poison@example.com"});
  auto connect = rig.route();
  rig.ready(connect.conn);
  rig.delivered(rig.only<Deliver>());  // the connection has proved itself
  rig.finish(rig.only<Deliver>(), Verdict::kUntried);
  rig.fail(connect.conn, Stage::kData);
  EXPECT_TRUE(rig.all<Persist>().empty());
  connect = rig.only<Connect>();
  rig.ready(connect.conn);
  rig.finish(rig.only<Deliver>(), Verdict::kUntried);
  const auto settlement = rig.only<Persist>().settlements.at(0);
  EXPECT_EQ(settlement.ending, Ending::kDeferred);
  EXPECT_EQ(settlement.retry_class, policy::RetryClass::kConnect);
}

TEST(EngineFailure, NeverTriesAgainAtOnceWhatMayHaveBeenDelivered) {
  EngineRig rig;
  rig.arrive({"a@example.com"});
  const auto connect = rig.route();
  rig.ready(connect.conn);
  rig.finish(rig.only<Deliver>(), Verdict::kMaybe);
  const auto settlement = rig.only<Persist>().settlements.at(0);
  EXPECT_EQ(settlement.ending, Ending::kDeferred);
  EXPECT_TRUE(settlement.maybe_delivered);
  EXPECT_TRUE(settlement.after.maybe_delivered);
  EXPECT_EQ(settlement.after.due, rig.now + 1min);
  EXPECT_NE(settlement.after.last_words.find("more than once"), std::string::npos);
  EXPECT_TRUE(rig.all<Connect>().empty());
}

TEST(EngineFailure, TakesBackABatchWhoseConnectionWasGoneAlready) {
  EngineRig rig;
  rig.options.limits.connections = 1;
  rig.arrive({"a@example.com"});
  rig.arrive({"b@example.com"});
  const auto connect = rig.route();
  rig.ready(connect.conn);
  rig.delivered(rig.only<Deliver>());
  EXPECT_EQ(rig.all<Deliver>().size(), 1U);
  rig.fail(connect.conn, Stage::kIdle);  // it had failed before the order came
  rig.ready(rig.only<Connect>().conn);
  EXPECT_EQ(rig.only<Deliver>().recipients[0].address.text(), "b@example.com");
}

TEST(EngineFailure, SlowsDownWhereAFurtherConnectionIsTurnedAway) {
  EngineRig rig;
  rig.options.limits.connections = 2;
  for (int i = 0; i < 5; ++i) rig.arrive({"a@example.com"});
  const auto probe = rig.route();
  rig.ready(probe.conn);
  const auto deliver = rig.only<Deliver>();
  rig.fail(rig.only<Connect>().conn, Stage::kGreeting, 421);
  EXPECT_TRUE(rig.all<Connect>().empty());
  EXPECT_TRUE(rig.all<BackedOff>().empty());
  EXPECT_EQ(rig.only<SlowedDown>().connections, 1U);
  while (rig.now < kStart + 1min) {
    EXPECT_TRUE(rig.all<Connect>().empty());
    rig.ring();
  }
  EXPECT_EQ(rig.now, kStart + 1min);
  EXPECT_EQ(rig.all<Connect>().size(), 1U) << "and recovers";
  rig.delivered(deliver);
  EXPECT_EQ(rig.all<Deliver>().size(), 1U);
}

TEST(EngineFailure, ExpiresAlsoWhatWasNeverTriedWhileTheDestinationIsDown) {
  EngineRig rig;
  rig.options.retry.defaults.expire_after = 10min;
  rig.options.retry.defaults.intervals = {8min};
  rig.arrive({"a@example.com"});
  auto second = rig.arrive({"b@example.com"});
  rig.fail(rig.route().conn, Stage::kConnect);
  rig.persisted(rig.only<Persist>());
  EXPECT_EQ(rig.engine().counts().ready, 1U);
  rig.ring_at(kStart + 8min);  // a probe goes out with b
  rig.route();
  rig.fail(rig.only<Connect>().conn, Stage::kConnect);
  rig.tell(Loaded{second->envelope->id, second});
  rig.persisted(rig.only<Persist>());
  for (int i = 0; i < 10 && rig.all<Load>().empty(); ++i) rig.ring();
  EXPECT_LE(rig.now, kStart + 11min);
  EXPECT_FALSE(rig.all<Load>().empty());
  EXPECT_TRUE(rig.all<Connect>().empty());
}

TEST(EngineFailure, IsNotDeferredBeyondItsExpiry) {
  EngineRig rig;
  rig.options.retry.defaults.intervals = {4h};
  rig.options.retry.defaults.expire_after = 1h;
  rig.arrive({"a@example.com"});
  rig.ready(rig.route().conn);
  rig.finish(rig.only<Deliver>(), Verdict::kTemporary, 451);
  EXPECT_EQ(rig.only<Persist>().settlements.at(0).after.due, kStart + 1h);
}

TEST(EngineFailure, MakesTheRecipientsOfABatchDueTogether) {
  EngineRig rig;
  rig.options.retry.defaults.jitter = 0.5;
  rig.arrive({"a@example.com", "b@example.com"});
  rig.ready(rig.route().conn);
  rig.finish(rig.only<Deliver>(), Verdict::kTemporary, 451);
  const auto settlements = rig.only<Persist>().settlements;
  EXPECT_EQ(settlements.at(0).after.due, settlements.at(1).after.due);
}

TEST(EngineFailure, BeginsNothingWhileOutcomesCannotBeStored) {
  EngineRig rig;
  rig.options.limits.connections = 1;
  rig.arrive({"a@example.com"});
  rig.arrive({"b@example.com"});
  rig.ready(rig.route().conn);
  const auto deliver = rig.only<Deliver>();
  rig.tell(StoreTrouble{true});
  rig.delivered(deliver);
  EXPECT_EQ(rig.all<Persist>().size(), 1U);
  EXPECT_TRUE(rig.all<Deliver>().empty());
  rig.arrive({"c@other.example"});
  EXPECT_TRUE(rig.out.empty());
  rig.tell(StoreTrouble{false});
  EXPECT_EQ(rig.all<Deliver>().size(), 1U);
  EXPECT_EQ(rig.all<Lookup>().size(), 1U);
}

TEST(EngineFailure, IsQuietAfterShutDownWhenEverythingIsDurable) {
  EngineRig rig;
  rig.arrive({"a@example.com"});
  rig.arrive({"b@example.com"});
  const auto connect = rig.route();
  rig.ready(connect.conn);
  const auto deliver = rig.only<Deliver>();
  const auto second = rig.only<Connect>();
  EXPECT_FALSE(rig.engine().quiet());
  rig.tell(ShutDown{});
  EXPECT_EQ(rig.only<Quit>().conn, second.conn);
  EXPECT_FALSE(rig.engine().quiet());
  rig.delivered(deliver);
  EXPECT_EQ(rig.only<Quit>().conn, connect.conn);
  EXPECT_TRUE(rig.all<Deliver>().empty());
  const auto persist = rig.only<Persist>();
  EXPECT_FALSE(rig.engine().quiet());
  rig.persisted(persist);
  EXPECT_TRUE(rig.engine().quiet());
}

TEST(EngineFailure, DropsRoutesAndConnectionsWhosePolicyHasChanged) {
  EngineRig rig;
  rig.options.limits.connections = 1;
  rig.arrive({"a@example.com"});
  rig.arrive({"b@example.com"});
  const auto connect = rig.route();
  rig.ready(connect.conn);
  const auto deliver = rig.only<Deliver>();
  auto changed = std::make_shared<Options>(rig.options);
  policy::TlsOverlay encrypt;
  encrypt.level = policy::TlsLevel::kEncrypt;
  changed->tls = *policy::TlsPolicies::make(encrypt, "test", {});
  rig.tell(Reconfigured{changed});
  EXPECT_TRUE(rig.all<Quit>().empty()) << "it is at work";
  rig.delivered(deliver);
  EXPECT_EQ(rig.only<Quit>().conn, connect.conn);
  rig.tell(SessionClosed{connect.conn});
  EXPECT_EQ(rig.route().tls, smtp::TlsNeed::kRequired);
}

// One message goes over the connection that is returned, and then the limit becomes `most`.
Connect limit_messages(EngineRig& rig, std::uint32_t most) {
  rig.arrive({"a@example.com"});
  auto connect = rig.route();
  rig.ready(connect.conn);
  rig.delivered(rig.only<Deliver>());
  auto changed = std::make_shared<Options>(rig.options);
  changed->limits.messages_per_connection = most;
  rig.tell(Reconfigured{changed});
  return connect;
}

TEST(EngineFailure, KeepsConnectionsWhenOnlyLimitsChange) {
  EngineRig rig;
  const auto connect = limit_messages(rig, 2);
  EXPECT_TRUE(rig.all<Quit>().empty());
  rig.arrive({"b@example.com"});
  rig.delivered(rig.only<Deliver>());
  EXPECT_EQ(rig.only<Quit>().conn, connect.conn);
}

// Found by the simulator, seed 1001213.
TEST(EngineFailure, LeavesAConnectionThatHasCarriedWhatALoweredLimitAllows) {
  EngineRig rig;
  const auto connect = limit_messages(rig, 1);
  EXPECT_EQ(rig.only<Quit>().conn, connect.conn);
  rig.arrive({"b@example.com"});
  EXPECT_TRUE(rig.all<Deliver>().empty());
}

// Found by the simulator, seed 1019.
TEST(EngineFailure, WhatWaitsForAConnectionHeedsALimitThatHasBeenLowered) {
  EngineRig rig;
  rig.arrive({"a@example.com", "b@example.com", "c@example.com"});
  const auto connect = rig.route();
  auto changed = std::make_shared<Options>(rig.options);
  changed->limits.recipients_per_message = 2;
  rig.tell(Reconfigured{changed});
  rig.ready(connect.conn);
  EXPECT_EQ(rig.only<Deliver>().recipients.size(), 2U);
  EXPECT_EQ(rig.only<Load>().numbers, std::vector<std::uint16_t>{2}) << "the next one";
}

}  // namespace
}  // namespace posthaste::delivery
