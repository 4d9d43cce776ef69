// The good days: batches, connections, limits and pace.
#include "tests/unit/delivery/engine_rig.h"

namespace posthaste::delivery {
namespace {

using smtp::Verdict;

TEST(Engine, GoesFromArrivalOverMxAndAddressToDeliverAndPersist) {
  EngineRig rig;
  rig.arrive({"a@example.com"});
  EXPECT_EQ(rig.only<Lookup>().question, (dns::Question{"example.com", dns::RecordType::kMx}));
  rig.answer_mx("example.com", {"mx1.example.com"});
  EXPECT_EQ(rig.all<Lookup>().size(), 2U);
  rig.answer_a("mx1.example.com", {"11.0.0.1"});
  const auto connect = rig.only<Connect>();
  EXPECT_EQ(render_endpoint(connect.endpoint), "11.0.0.1:25");
  EXPECT_EQ(connect.host.text(), "mx1.example.com");
  EXPECT_EQ(connect.tls, smtp::TlsNeed::kIfOffered);
  EXPECT_EQ(connect.profile, "modern");
  rig.ready(connect.conn);
  const auto deliver = rig.only<Deliver>();
  ASSERT_EQ(deliver.recipients.size(), 1U);
  EXPECT_EQ(rig.engine().counts().in_flight, 1U);
  rig.delivered(deliver);
  const auto persist = rig.only<Persist>();
  ASSERT_EQ(persist.settlements.size(), 1U);
  EXPECT_EQ(persist.shard, 7U);
  EXPECT_EQ(persist.settlements[0].ending, Ending::kDelivered);
  EXPECT_EQ(persist.settlements[0].host, "mx1.example.com[11.0.0.1]:25");
  EXPECT_EQ(persist.settlements[0].tls, "TLSv1.3 TLS_AES_256_GCM_SHA384 unverified (level may)");
  EXPECT_EQ(rig.engine().counts().in_flight, 1U) << "not durable yet";
  EXPECT_NE(rig.engine().oldest(), kNever);
  rig.persisted(persist);
  EXPECT_EQ(rig.engine().counts().in_flight, 0U);
  EXPECT_EQ(rig.engine().oldest(), kNever);
}

TEST(Engine, GivesAFreeConnectionTheNextBatchInTheSameCall) {
  EngineRig rig;
  rig.options.limits.connections = 1;
  rig.arrive({"a@example.com"});
  rig.arrive({"b@example.com"});
  rig.ready(rig.route().conn);
  rig.delivered(rig.only<Deliver>());
  EXPECT_EQ(rig.all<Persist>().size(), 1U);
  EXPECT_EQ(rig.only<Deliver>().recipients[0].address.text(), "b@example.com");
}

TEST(Engine, SendsTheRecipientsOfAMessageTogetherUpToTheLimit) {
  EngineRig rig;
  rig.options.limits.recipients_per_message = 2;
  rig.options.limits.connections = 1;
  rig.arrive({"a@example.com", "x@other.example", "b@example.com", "c@example.com"});
  EXPECT_EQ(rig.all<Lookup>().size(), 2U);
  rig.ready(rig.route().conn);
  const auto first = rig.only<Deliver>();
  ASSERT_EQ(first.recipients.size(), 2U);
  EXPECT_EQ(first.recipients[1].number, 2U);
  rig.delivered(first);
  const auto second = rig.only<Deliver>();
  ASSERT_EQ(second.recipients.size(), 1U);
  EXPECT_EQ(second.recipients[0].number, 3U);
}

TEST(Engine, LoadsWhatItDidNotKeepWhileItConnects) {
  EngineRig rig;
  const auto id = id_at(rig.now);
  for (std::uint16_t n : {std::uint16_t{0}, std::uint16_t{1}}) {
    rig.tell(Entry{7, id, n, 0, 0, rig.now, RoutingDomain("example.com"), {}});
  }
  EXPECT_EQ(rig.engine().deadline(), rig.now);
  rig.ring();
  const auto load = rig.only<Load>();
  EXPECT_EQ(load.numbers.size(), 2U);
  EXPECT_EQ(rig.all<Lookup>().size(), 1U);
  const auto connect = rig.route();
  rig.ready(connect.conn);
  EXPECT_TRUE(rig.all<Deliver>().empty());
  rig.tell(Loaded{id, make_letter(id, {"a@example.com", "b@example.com"}, rig.now)});
  EXPECT_EQ(rig.only<Deliver>().recipients.size(), 2U);
}

TEST(Engine, KeepsLettersWarmWithinTheBudgetOnly) {
  EngineRig rig;
  rig.options.warm_bytes_max = 2500;
  rig.options.limits.connections = 1;
  rig.arrive({"a@example.com"});
  rig.arrive({"b@example.com"});  // the first one has left the budget: it is staged
  rig.arrive({"c@example.com"});
  rig.ready(rig.route().conn);
  EXPECT_TRUE(rig.all<Load>().empty());
  rig.delivered(rig.only<Deliver>());
  EXPECT_EQ(rig.all<Load>().size(), 1U) << "c was one too many";
}

TEST(Engine, ForgetsWhatTheStoreDoesNotHaveAndTriesAgainWhatItCannotRead) {
  EngineRig rig;
  const auto gone = id_at(rig.now, 1), broken = id_at(rig.now, 2);
  rig.tell(Entry{7, gone, 0, 0, 0, rig.now, RoutingDomain("example.com"), {}});
  rig.ring();
  rig.tell(NotLoaded{7, gone, {ErrorCode::kNotFound, "no"}});
  EXPECT_EQ(rig.engine().oldest(), kNever);
  rig.tell(Entry{7, broken, 0, 0, 0, rig.now, RoutingDomain("example.com"), {}});
  rig.ring();
  rig.tell(NotLoaded{7, broken, {ErrorCode::kIo, "no"}});
  EXPECT_EQ(rig.engine().counts().waiting, 1U);
  std::vector<DestinationView> views;
  rig.engine().for_each_destination([&](const auto& view) { views.push_back(view); });
  ASSERT_EQ(views.size(), 1U);
  EXPECT_EQ(views[0].next_due, rig.now + 1min);
}

TEST(Engine, ForgetsARecipientThatIsMissingInTheLoadedLetter) {
  EngineRig rig;
  const auto id = id_at(rig.now);
  for (std::uint16_t n : {std::uint16_t{0}, std::uint16_t{1}}) {
    rig.tell(Entry{7, id, n, 0, 0, rig.now, RoutingDomain("example.com"), {}});
  }
  rig.ring();
  rig.tell(Loaded{id, make_letter(id, {"a@example.com"}, rig.now)});
  EXPECT_EQ(rig.engine().counts().ready, 1U);
}

// Found by the simulator, seed 2391: the letter that is still at hand from the arrival knows
// nothing of an attempt, and the store would take its word for nothing.
TEST(Engine, LoadsALetterAgainForThoseWhoHaveBeenTriedSinceItArrived) {
  EngineRig rig;
  rig.options.limits.connections = 1;
  rig.options.limits.recipients_per_message = 2;
  rig.arrive({"a@example.com", "b@example.com", "c@example.com", "d@example.com", "e@example.com",
              "f@example.com", "g@example.com"});
  const auto connect = rig.route();
  rig.ready(connect.conn);
  const auto first = rig.only<Deliver>();
  rig.finish(first, smtp::Verdict::kTemporary, 450, "not yet");
  const auto persist = rig.only<Persist>();
  const auto second = rig.only<Deliver>();
  rig.persisted(persist);
  rig.ring_at(rig.now + 2min);
  rig.delivered(second);
  EXPECT_EQ(rig.only<Deliver>().recipients.size(), 2U);
  EXPECT_EQ(rig.only<Load>().numbers, (std::vector<std::uint16_t>{6, 0}));
}

TEST(Engine, OpensFurtherConnectionsOnlyOnceOneIsUpAndOnlyUpToTheLimit) {
  EngineRig rig;
  rig.options.limits.connections = 3;
  for (int i = 0; i < 10; ++i) rig.arrive({"a@example.com"});
  const auto probe = rig.route();
  rig.ready(probe.conn);
  EXPECT_EQ(rig.all<Deliver>().size(), 1U);
  const auto more = rig.all<Connect>();
  ASSERT_EQ(more.size(), 2U);
  EXPECT_EQ(more[0].endpoint, probe.endpoint);
  rig.ready(more[0].conn);
  EXPECT_EQ(rig.all<Connect>().size(), 0U);
  EXPECT_EQ(rig.engine().counts().connections, 3U);
}

TEST(Engine, OpensNoMoreConnectionsThanThereAreBatches) {
  EngineRig rig;
  rig.arrive({"a@example.com"});
  rig.arrive({"b@example.com"});
  rig.ready(rig.route().conn);
  EXPECT_EQ(rig.all<Connect>().size(), 1U);
}

TEST(Engine, QuitsAConnectionThatHasCarriedItsMessages) {
  EngineRig rig;
  rig.options.limits.messages_per_connection = 2;
  rig.options.limits.connections = 1;
  for (int i = 0; i < 3; ++i) rig.arrive({"a@example.com"});
  const auto first = rig.route();
  rig.ready(first.conn);
  rig.delivered(rig.only<Deliver>());
  EXPECT_TRUE(rig.all<Quit>().empty());
  rig.delivered(rig.only<Deliver>());
  EXPECT_EQ(rig.only<Quit>().conn, first.conn);
  EXPECT_TRUE(rig.all<Connect>().empty()) << "the limit counts until the connection is closed";
  rig.tell(SessionClosed{first.conn});
  EXPECT_NE(rig.only<Connect>().conn, first.conn);
}

TEST(Engine, QuitsAnIdleConnectionAndReusesItBefore) {
  EngineRig rig;
  rig.arrive({"a@example.com"});
  const auto connect = rig.route();
  rig.ready(connect.conn);
  rig.persisted((rig.delivered(rig.only<Deliver>()), rig.only<Persist>()));
  EXPECT_EQ(rig.engine().deadline(), rig.now + 5s);
  rig.now += 3s;
  rig.arrive({"b@example.com"});
  EXPECT_EQ(rig.only<Deliver>().conn, connect.conn);
  rig.persisted((rig.delivered(rig.only<Deliver>()), rig.only<Persist>()));
  rig.ring_at(rig.now + 5s);
  EXPECT_EQ(rig.only<Quit>().conn, connect.conn);
  rig.tell(SessionClosed{connect.conn});
  EXPECT_EQ(rig.engine().counts().connections, 0U);
}

TEST(Engine, KeepsToTheMessageRate) {
  EngineRig rig;
  rig.options.limits.message_rate = {1, 10s};
  for (int i = 0; i < 2; ++i) rig.arrive({"a@example.com"});
  rig.ready(rig.route().conn);
  rig.delivered(rig.only<Deliver>());
  EXPECT_TRUE(rig.all<Deliver>().empty());
  rig.ring_at(rig.now + 9s);
  EXPECT_TRUE(rig.all<Deliver>().empty());
  rig.tell(SessionClosed{rig.only<Quit>().conn});
  EXPECT_TRUE(rig.all<Connect>().empty()) << "it would have nothing to do";
  rig.ring_at(rig.now + 1s);
  rig.ready(rig.only<Connect>().conn);
  EXPECT_EQ(rig.all<Deliver>().size(), 1U);
}

TEST(Engine, KeepsToTheConnectionRate) {
  EngineRig rig;
  rig.options.limits.connection_rate = {1, 10s};
  for (int i = 0; i < 3; ++i) rig.arrive({"a@example.com"});
  rig.ready(rig.route().conn);
  EXPECT_TRUE(rig.all<Connect>().empty());
  rig.ring_at(kStart + 9s);
  EXPECT_TRUE(rig.all<Connect>().empty());
  rig.ring_at(kStart + 10s);
  EXPECT_EQ(rig.all<Connect>().size(), 1U);
}

TEST(Engine, TakesAConnectionFromAnIdleDestinationWhenTheWorkerHasNoneLeft) {
  EngineRig rig;
  rig.options.connections_max = 1;
  rig.arrive({"a@example.com"});
  const auto first = rig.route();
  rig.ready(first.conn);
  rig.arrive({"a@other.example"});
  rig.answer_mx("other.example", {"mx1.other.example"});
  rig.answer_a("mx1.other.example", {"11.0.0.9"});
  EXPECT_TRUE(rig.all<Connect>().empty());
  rig.delivered(Deliver{first.conn, nullptr, {mail::Recipient{}}});
  EXPECT_EQ(rig.only<Quit>().conn, first.conn) << "others starve";
  rig.tell(SessionClosed{first.conn});
  EXPECT_EQ(rig.only<Connect>().domain.text(), "other.example");
}

TEST(Engine, CountsWhatFallsDueWhen) {
  EngineRig rig;
  const auto domain = RoutingDomain("example.com");
  const Duration dues[] = {30s, 1min, 2min, 2h, 48h};
  for (std::uint16_t i = 0; i < 5; ++i) {
    rig.tell(Entry{7, id_at(rig.now, i), 0, 1, 1, rig.now + dues[i], domain, {}});
  }
  const DueHistogram due = rig.engine().due(rig.now);
  EXPECT_EQ(due, (DueHistogram{2, 1, 0, 0, 1, 0, 1}));
  EXPECT_EQ(rig.engine().counts().waiting, 5U);
  EXPECT_EQ(rig.engine().deadline(), rig.now + 30s);
}

TEST(Engine, LetsADestinationGoWhenNothingIsLeftToRemember) {
  EngineRig rig;
  rig.arrive({"a@example.com"});
  const auto connect = rig.route();
  rig.ready(connect.conn);
  rig.persisted((rig.delivered(rig.only<Deliver>()), rig.only<Persist>()));
  rig.ring();
  rig.tell(SessionClosed{connect.conn});
  EXPECT_EQ(rig.engine().counts().destinations, 1U) << "its plan is worth keeping";
  rig.ring();
  EXPECT_EQ(rig.engine().counts().destinations, 0U);
  EXPECT_EQ(rig.engine().deadline(), kNever);
}

}  // namespace
}  // namespace posthaste::delivery
