// What the operator has suspended stays in the queue, and loses nothing by it.
#include "tests/unit/delivery/engine_rig.h"

namespace posthaste::delivery {
namespace {

using policy::SuspensionKind;
using smtp::Stage;

policy::Suspension of(SuspensionKind kind, const std::string& pattern, Instant until = kNever) {
  auto suspension = *policy::parse_suspension(kind, pattern);
  suspension.until = until;
  suspension.words = "they asked us to";
  return suspension;
}

void suspend(EngineRig& rig, std::vector<policy::Suspension> all) {
  rig.tell(Suspended{std::make_shared<policy::Suspensions>(std::move(all))});
}

DestinationView view(EngineRig& rig) {
  DestinationView found;
  rig.engine().for_each_destination([&](const DestinationView& one) { found = one; });
  return found;
}

TEST(EngineSuspend, StopsADomainAndLetsItGoWhenThatLapses) {
  EngineRig rig;
  suspend(rig, {of(SuspensionKind::kDomain, "example.com", kStart + 1h)});
  rig.arrive({"a@example.com"});
  EXPECT_TRUE(rig.out.empty()) << "not even DNS is asked";
  EXPECT_EQ(rig.engine().counts().suspended, 1U);
  EXPECT_EQ(rig.engine().counts().ready, 0U);
  EXPECT_EQ(view(rig).suspended_until, kStart + 1h);
  EXPECT_EQ(view(rig).suspended_words, "domain example.com: they asked us to");
  rig.arrive({"a@other.example"});
  EXPECT_EQ(rig.only<Lookup>().question.name, "other.example");
  while (rig.now < kStart + 1h) rig.ring();
  EXPECT_EQ(rig.engine().counts().suspended, 0U);
  EXPECT_EQ(rig.only<Load>().id.time(), kStart);
  EXPECT_EQ(rig.only<Lookup>().question.name, "example.com");
}

TEST(EngineSuspend, LetsGoWhatIsFreeAndFinishesWhatIsUnderWay) {
  EngineRig rig;
  rig.options.limits.connections = 2;
  rig.arrive({"a@example.com"});
  rig.ready(rig.route().conn);
  const auto first = rig.only<Deliver>();
  rig.arrive({"b@example.com"});
  const auto second = rig.only<Connect>();
  suspend(rig, {of(SuspensionKind::kDomain, "example.com")});
  EXPECT_EQ(rig.only<Quit>().conn, second.conn);
  rig.tell(SessionClosed{second.conn});
  rig.delivered(first);
  EXPECT_EQ(rig.only<Persist>().settlements.at(0).ending, Ending::kDelivered);
  EXPECT_EQ(rig.only<Quit>().conn, first.conn);
  EXPECT_TRUE(rig.all<Deliver>().empty());
  rig.tell(SessionClosed{first.conn});
  suspend(rig, {});
  EXPECT_EQ(rig.only<Load>().numbers.size(), 1U);
  EXPECT_EQ(rig.only<Connect>().host.text(), "mx1.example.com") << "the plan is still known";
}

TEST(EngineSuspend, SkipsAHostAndCallsTheNextOne) {
  EngineRig rig;
  suspend(rig, {of(SuspensionKind::kSite, "mx1.example.com")});
  rig.arrive({"a@example.com"});
  rig.answer_mx("example.com", {"mx1.example.com", "mx2.example.com"});
  rig.answer_a("mx2.example.com", {"11.0.0.2"});
  const auto connect = rig.only<Connect>();
  EXPECT_EQ(connect.host.text(), "mx2.example.com");
  smtp::SessionFailure never;
  never.stage = Stage::kGreeting;
  never.reply.code = 521;
  rig.tell(SessionFailed{connect.conn, never});
  EXPECT_EQ(rig.only<Persist>().settlements.at(0).ending, Ending::kDeferred)
      << "the first one may take it some day";
}

TEST(EngineSuspend, StandsStillWhereEveryHostIsSuspended) {
  EngineRig rig;
  suspend(rig, {of(SuspensionKind::kSite, "*.example.com", kStart + 2h)});
  rig.arrive({"a@example.com"});
  rig.answer_mx("example.com", {"mx1.example.com", "mx2.example.com"}, 10h);
  EXPECT_TRUE(rig.all<Lookup>().empty());
  EXPECT_TRUE(rig.all<Persist>().empty()) << "nothing has failed, and no attempt is counted";
  EXPECT_EQ(rig.engine().counts().suspended, 1U);
  EXPECT_EQ(view(rig).suspended_words, "site *.example.com: they asked us to");
  while (rig.now < kStart + 2h) rig.ring();
  EXPECT_FALSE(rig.all<Lookup>().empty());
  EXPECT_EQ(rig.engine().counts().suspended, 0U);
}

TEST(EngineSuspend, LooksAgainWhereTheDomainMayHaveOtherHosts) {
  EngineRig rig;
  suspend(rig, {of(SuspensionKind::kSite, "mx1.example.com")});
  rig.arrive({"a@example.com"});
  rig.answer_mx("example.com", {"mx1.example.com"}, 1h);
  rig.ring();
  EXPECT_EQ(rig.now, kStart + 1h);
  rig.answer_mx("example.com", {"mx7.example.com"}, 1h);
  rig.answer_a("mx7.example.com", {"11.0.0.7"});
  EXPECT_EQ(rig.only<Connect>().host.text(), "mx7.example.com");
}

TEST(EngineSuspend, LeavesAHostThatIsSuspendedWhileItIsUp) {
  EngineRig rig;
  rig.arrive({"a@example.com"});
  rig.answer_mx("example.com", {"mx1.example.com", "mx2.example.com"});
  rig.answer_a("mx1.example.com", {"11.0.0.1"});
  const auto first = rig.only<Connect>();
  suspend(rig, {of(SuspensionKind::kSite, "mx1.example.com")});
  EXPECT_EQ(rig.only<Quit>().conn, first.conn) << "it was being called";
  rig.tell(SessionClosed{first.conn});
  rig.answer_a("mx2.example.com", {"11.0.0.2"});
  const auto second = rig.only<Connect>();
  EXPECT_EQ(second.host.text(), "mx2.example.com");
  rig.ready(second.conn);
  const auto deliver = rig.only<Deliver>();
  suspend(rig, {of(SuspensionKind::kSite, "*.example.com")});
  rig.delivered(deliver);
  EXPECT_EQ(rig.only<Quit>().conn, second.conn);
}

TEST(EngineSuspend, ParksTheMailOfASender) {
  EngineRig rig;
  suspend(rig, {of(SuspensionKind::kSender, "@origin.example", kStart + 1h)});
  auto other = make_letter(id_at(kStart, 9), {"b@example.com"}, kStart);
  auto envelope = std::make_shared<mail::Envelope>(*other->envelope);
  envelope->sender = mail::Mailbox::trusted("me@elsewhere.example");
  other->envelope = envelope;
  rig.arrive({"a@example.com"});
  EXPECT_EQ(rig.engine().counts().suspended, 1U);
  rig.arrive(other);
  rig.ready(rig.route().conn);
  const auto deliver = rig.only<Deliver>();
  EXPECT_EQ(deliver.letter->envelope->sender.text(), "me@elsewhere.example");
  rig.delivered(deliver);
  EXPECT_TRUE(rig.all<Deliver>().empty());
  rig.persisted(rig.only<Persist>());
  while (rig.now < kStart + 1h) rig.ring();
  EXPECT_EQ(rig.engine().counts().suspended, 0U);
  const auto load = rig.only<Load>();
  EXPECT_EQ(load.id.time(), kStart);
}

TEST(EngineSuspend, ParksAgainWhatItHadToLoadToKnow) {
  EngineRig rig;
  rig.arrive({"a@example.com"});
  rig.arrive({"b@example.com"});
  suspend(rig, {of(SuspensionKind::kSender, "sender@origin.example")});
  EXPECT_EQ(rig.engine().counts().suspended + rig.engine().counts().ready, 2U);
  const auto connect = rig.route();
  rig.ready(connect.conn);
  for (auto loads = rig.all<Load>(); !loads.empty(); loads = rig.all<Load>()) {
    rig.tell(Loaded{loads[0].id, make_letter(loads[0].id, {"a@example.com"}, kStart)});
  }
  EXPECT_TRUE(rig.all<Deliver>().empty());
  EXPECT_EQ(rig.engine().counts().suspended, 2U);
  suspend(rig, {});
  EXPECT_EQ(rig.engine().counts().suspended, 0U);
  EXPECT_FALSE(rig.all<Load>().empty());
}

TEST(EngineSuspend, ExpiresNobodyWithoutALastAttempt) {
  EngineRig rig;
  rig.options.retry.defaults.expire_after = 10h;
  rig.arrive({"a@example.com"});
  rig.fail(rig.route().conn, Stage::kConnect);
  rig.persisted(rig.only<Persist>());
  suspend(rig, {of(SuspensionKind::kDomain, "example.com", kStart + 20h)});
  while (rig.now < kStart + 20h) {
    rig.ring();
    ASSERT_TRUE(rig.now >= kStart + 20h || rig.out.empty());
  }
  const auto load = rig.only<Load>();
  EXPECT_TRUE(load.for_delivery);
  rig.tell(Loaded{load.id, make_letter(load.id, {"a@example.com"}, kStart)});
  rig.fail(rig.route().conn, Stage::kConnect);
  EXPECT_EQ(rig.only<Persist>().settlements.at(0).ending, Ending::kExpired);
}

// Of senders that are let go again nothing follows for the hosts.
TEST(EngineSuspend, LeavesABackOffAloneWhenASenderMaySendAgain) {
  EngineRig rig;
  rig.options.retry.defaults.intervals = {5h};
  rig.options.retry.defaults.expire_after = 1h;
  rig.options.retry.defaults.delay_notice_after = 0s;
  suspend(rig, {of(SuspensionKind::kSender, "sender@origin.example", kStart + 2h)});
  rig.arrive({"a@example.com"});
  EXPECT_EQ(rig.engine().counts().suspended, 1U);
  auto other = make_letter(id_at(kStart, 9), {"b@example.com"}, kStart);
  auto envelope = std::make_shared<mail::Envelope>(*other->envelope);
  envelope->sender = mail::Mailbox::trusted("other@origin.example");
  other->envelope = envelope;
  rig.arrive(other);
  rig.fail(rig.route().conn, Stage::kConnect);
  rig.persisted(rig.only<Persist>());
  while (rig.now < kStart + 2h) rig.ring();
  EXPECT_TRUE(rig.out.empty());
  EXPECT_EQ(rig.engine().counts().suspended, 0U);
  while (rig.engine().deadline() < kStart + 5h) {
    rig.ring();
    ASSERT_TRUE(rig.out.empty()) << "neither called for nor at his end: nobody was called since";
  }
  rig.ring();
  EXPECT_TRUE(rig.only<Load>().for_delivery);
}

}  // namespace
}  // namespace posthaste::delivery
