// Where mail goes, and what DNS has to say about it.
#include "lib/delivery/route_plan.h"
#include "tests/unit/delivery/engine_rig.h"

namespace posthaste::delivery {
namespace {

using dns::AnswerStatus;
using dns::RecordType;
using smtp::Stage;

std::string status(const Settlement& settlement) {
  return smtp::render_enhanced(settlement.status);
}

struct Refusal {
  const char* name;
  void (*answer)(EngineRig&);
  const char* status;
};
class EngineRefuses : public testing::TestWithParam<Refusal> {};

TEST_P(EngineRefuses, EveryReadyRecipientAtOnce) {
  EngineRig rig;
  rig.arrive({"a@example.com", "b@example.com"});
  rig.arrive({"c@example.com"});
  GetParam().answer(rig);
  const auto persists = rig.all<Persist>();
  ASSERT_EQ(persists.size(), 2U);
  EXPECT_EQ(persists[0].settlements.size(), 2U);
  EXPECT_EQ(persists[0].settlements[0].ending, Ending::kBounced);
  EXPECT_EQ(status(persists[0].settlements[0]), GetParam().status);
  EXPECT_TRUE(rig.all<BackedOff>().empty());
  for (const auto& persist : persists) rig.persisted(persist);
  EXPECT_EQ(rig.engine().oldest(), kNever);
  rig.arrive({"d@example.com"});
  EXPECT_EQ(rig.all<Persist>().size(), 1U) << "as long as the answer lives, nobody asks again";
}

INSTANTIATE_TEST_SUITE_P(
    Verdicts, EngineRefuses,
    testing::Values(
        Refusal{"no_domain",
                [](EngineRig& rig) {
                  rig.answer_status("example.com", RecordType::kMx, AnswerStatus::kNxDomain);
                },
                "5.1.2"},
        Refusal{"null_mx", [](EngineRig& rig) { rig.answer_mx("example.com", {""}); }, "5.1.10"},
        Refusal{"loop",
                [](EngineRig& rig) { rig.answer_mx("example.com", {"mta1.posthaste.example"}); },
                "5.4.6"},
        Refusal{"no_address",
                [](EngineRig& rig) {
                  rig.answer_mx("example.com", {"mx1.example.com"});
                  rig.answer_status("mx1.example.com", RecordType::kA, AnswerStatus::kNoData);
                  rig.answer_status("mx1.example.com", RecordType::kAaaa, AnswerStatus::kNxDomain);
                },
                "5.4.4"},
        Refusal{"inside",
                [](EngineRig& rig) {
                  rig.answer_mx("example.com", {"mx1.example.com"});
                  rig.answer_a("mx1.example.com", {"10.1.2.3"});
                },
                "5.4.4"}),
    [](const auto& chosen) { return chosen.param.name; });

TEST(EngineRoute, NamesTheSettingThatWouldAllowASpecialAddress) {
  EngineRig rig;
  rig.arrive({"a@[127.0.0.1]"});
  const auto settlement = rig.only<Persist>().settlements.at(0);
  EXPECT_EQ(settlement.ending, Ending::kBounced);
  EXPECT_NE(settlement.reply.text.find("delivery.allow_networks"), std::string::npos);
}

TEST(EngineRoute, GoesToASpecialAddressThatIsAllowed) {
  EngineRig rig;
  rig.options.allow_networks = {*parse_network("127.0.0.0/8")};
  rig.arrive({"a@[127.0.0.1]"});
  EXPECT_EQ(render_endpoint(rig.only<Connect>().endpoint), "127.0.0.1:25");
}

TEST(EngineRoute, BouncesALiteralThatIsNone) {
  EngineRig rig;
  rig.arrive({"a@[nonsense]"});
  EXPECT_EQ(status(rig.only<Persist>().settlements.at(0)), "5.1.3");
}

TEST(EngineRoute, FollowsAFixedRouteAlsoToAnInsideAddress) {
  EngineRig rig;
  rig.options.routes.push_back({{{"example.com"}}, {{MxName("10.0.0.5"), 2525}}});
  rig.arrive({"a@example.com"});
  EXPECT_EQ(render_endpoint(rig.only<Connect>().endpoint), "10.0.0.5:2525");
}

TEST(EngineRoute, DefersAndBacksOffWhenDnsDoesNotAnswer) {
  EngineRig rig;
  rig.arrive({"a@example.com"});
  rig.answer_status("example.com", RecordType::kMx, AnswerStatus::kServFail);
  const auto persist = rig.only<Persist>();
  EXPECT_EQ(persist.settlements[0].ending, Ending::kDeferred);
  EXPECT_EQ(persist.settlements[0].after.retry_class, "dns");
  EXPECT_EQ(persist.settlements[0].after.attempts, 1U);
  EXPECT_EQ(persist.settlements[0].after.revision, 1U);
  EXPECT_EQ(persist.settlements[0].after.due, rig.now + 1min);
  EXPECT_EQ(rig.only<BackedOff>().until, rig.now + 1min);
  rig.persisted(persist);
  rig.ring();
  EXPECT_EQ(rig.now, kStart + 1min);
  EXPECT_EQ(rig.all<Load>().size(), 1U);
  EXPECT_EQ(rig.all<Lookup>().size(), 1U) << "asked again, and once";
}

TEST(EngineRoute, TakesTheDomainItselfWhereThereIsNoMx) {
  EngineRig rig;
  rig.arrive({"a@example.com"});
  rig.answer_mx("example.com", {});
  rig.answer_a("example.com", {"11.0.0.7"});
  EXPECT_EQ(rig.only<Connect>().host.text(), "example.com");
}

TEST(EngineRoute, LooksUpTheNextHostOnlyWhenItsTurnComes) {
  EngineRig rig;
  rig.arrive({"a@example.com"});
  rig.answer_mx("example.com", {"mx1.example.com", "mx2.example.com"});
  EXPECT_EQ(rig.all<Lookup>().size(), 2U);
  rig.answer_a("mx1.example.com", {"11.0.0.1", "11.0.0.2"});
  rig.fail(rig.only<Connect>().conn, Stage::kConnect);
  EXPECT_EQ(render_endpoint(rig.only<Connect>().endpoint), "11.0.0.2:25");
  rig.fail(rig.only<Connect>().conn, Stage::kGreeting, 554);
  EXPECT_EQ(rig.all<Lookup>().size(), 2U);
  rig.answer_a("mx2.example.com", {"11.0.0.3"});
  EXPECT_EQ(rig.only<Connect>().host.text(), "mx2.example.com");
}

TEST(EngineRoute, UsesOneFamilyWhenTheOtherCannotBeLookedUp) {
  EngineRig rig;
  rig.arrive({"a@example.com"});
  rig.answer_mx("example.com", {"mx1.example.com"});
  rig.answer_status("mx1.example.com", RecordType::kAaaa, AnswerStatus::kServFail);
  dns::Answer answer;
  answer.status = AnswerStatus::kOk;
  answer.expires = rig.now + 1h;
  answer.addresses = {*parse_ip("11.0.0.1")};
  rig.tell(Answered{{"mx1.example.com", RecordType::kA}, answer});
  EXPECT_EQ(rig.all<Connect>().size(), 1U);
}

TEST(EngineRoute, AsksForTheSameHostOnceForAllItsDomains) {
  EngineRig rig;
  rig.arrive({"a@one.example", "b@two.example"});
  rig.answer_mx("one.example", {"mx.shared.example"});
  EXPECT_EQ(rig.all<Lookup>().size(), 2U);
  rig.answer_mx("two.example", {"mx.shared.example"});
  EXPECT_TRUE(rig.all<Lookup>().empty());
  rig.answer_a("mx.shared.example", {"11.0.0.1"});
  EXPECT_EQ(rig.all<Connect>().size(), 2U);
}

TEST(EngineRoute, StopsAfterSoManyAddressesAndGoesOnFromThereNextTime) {
  EngineRig rig;
  rig.options.hosts_per_attempt = 2;
  rig.arrive({"a@example.com"});
  rig.answer_mx("example.com", {"mx1.example.com"});
  rig.answer_a("mx1.example.com", {"11.0.0.1", "11.0.0.2", "11.0.0.3"});
  rig.fail(rig.only<Connect>().conn, Stage::kConnect);
  rig.fail(rig.only<Connect>().conn, Stage::kConnect);
  EXPECT_TRUE(rig.all<Connect>().empty());
  rig.persisted(rig.only<Persist>());
  rig.ring();
  EXPECT_EQ(render_endpoint(rig.only<Connect>().endpoint), "11.0.0.3:25");
}

TEST(EngineRoute, KeepsThePlanUntilItExpires) {
  EngineRig rig;
  rig.arrive({"a@example.com"});
  rig.answer_mx("example.com", {"mx1.example.com"}, 10min);
  rig.answer_a("mx1.example.com", {"11.0.0.1"});
  const auto first = rig.only<Connect>();
  rig.ready(first.conn);
  rig.persisted((rig.delivered(rig.only<Deliver>()), rig.only<Persist>()));
  rig.ring();
  rig.tell(SessionClosed{first.conn});
  rig.now = kStart + 9min;
  rig.arrive({"b@example.com"});
  const auto second = rig.only<Connect>();
  rig.ready(second.conn);
  rig.persisted((rig.delivered(rig.only<Deliver>()), rig.only<Persist>()));
  rig.ring();
  rig.tell(SessionClosed{second.conn});
  rig.now = kStart + 11min;
  rig.arrive({"c@example.com"});
  EXPECT_EQ(rig.only<Lookup>().question.type, RecordType::kMx);
}

TEST(RoutePlan, LetsTheFamiliesTakeTurnsIpv6First) {
  dns::MxPlan mx;
  mx.kind = dns::MxPlan::Kind::kHosts;
  mx.hosts = {MxName("mx1.example.com")};
  RoutePlan plan = RoutePlan::of_mx(mx, kNever, Options(), RoutingDomain("example.com"));
  dns::Answer a, aaaa;
  a.status = aaaa.status = AnswerStatus::kOk;
  a.addresses = {*parse_ip("11.0.0.1"), *parse_ip("192.168.0.1"), *parse_ip("11.0.0.2")};
  aaaa.addresses = {*parse_ip("2600::1")};
  plan.set_addresses(0, a, aaaa, {});
  const std::vector<IpAddress> expected{*parse_ip("2600::1"), *parse_ip("11.0.0.1"),
                                        *parse_ip("11.0.0.2")};
  EXPECT_EQ(plan.hosts()[0].addresses, expected);
}

}  // namespace
}  // namespace posthaste::delivery
