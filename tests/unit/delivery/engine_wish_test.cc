// Mail with a wish of its own about TLS (RFC 8689), beside mail that has none.
#include <algorithm>

#include "tests/unit/delivery/engine_rig.h"

namespace posthaste::delivery {
namespace {

using mail::TlsWish;
using policy::TlsFailure;
using smtp::Stage;
using smtp::TlsNeed;

std::shared_ptr<mail::Letter> arrive(EngineRig& rig, const std::string& to, TlsWish wish,
                                     unsigned sequence) {
  auto letter = make_letter(id_at(rig.now, 1000 + sequence), {to}, rig.now);
  auto envelope = std::make_shared<mail::Envelope>(*letter->envelope);
  envelope->tls_wish = wish;
  letter->envelope = envelope;
  rig.arrive(letter);
  return letter;
}

policy::StsPolicy enforced() {
  return {policy::StsMode::kEnforce, {"*.example.com", "*.other.example"}, 24h};
}

Actions& ready(EngineRig& rig, ConnId conn, bool requiretls) {
  policy::TlsFacts facts;
  facts.certificate_present = facts.verified = true;
  facts.authenticated_by = policy::TlsAuthentication::kPkix;
  smtp::Capabilities capabilities;
  capabilities.requiretls = requiretls;
  return rig.tell(SessionReady{conn, capabilities, facts});
}

TEST(EngineWish, SharesNoConnectionBetweenMailOfDifferentWishes) {
  EngineRig rig;
  rig.sts = enforced();
  rig.arrive({"a@example.com"});
  const auto plain = rig.route();
  EXPECT_FALSE(plain.demand->requiretls);
  ready(rig, plain.conn, true);
  rig.delivered(rig.only<Deliver>());
  arrive(rig, "b@example.com", TlsWish::kRequireTls, 1);
  EXPECT_TRUE(rig.all<Deliver>().empty()) << "though one is free";
  const auto strict = rig.route();
  EXPECT_TRUE(strict.demand->requiretls);
  ready(rig, strict.conn, true);
  EXPECT_EQ(rig.only<Deliver>().recipients[0].address.text(), "b@example.com");
}

TEST(EngineWish, TriesOtherHostsThenBouncesWhereNobodyPromisesRequireTls) {
  EngineRig rig;
  rig.sts = enforced();
  arrive(rig, "a@example.com", TlsWish::kRequireTls, 1);
  rig.answer_mx("example.com", {"mx1.example.com", "mx2.example.com"});
  rig.answer_a("mx1.example.com", {"11.0.0.1"});
  const auto first = rig.only<Connect>();
  ready(rig, first.conn, false);
  EXPECT_EQ(rig.only<Quit>().conn, first.conn);
  rig.answer_a("mx2.example.com", {"11.0.0.2"});
  ready(rig, rig.only<Connect>().conn, false);
  const auto settlement = rig.only<Persist>().settlements.at(0);
  EXPECT_EQ(settlement.ending, Ending::kBounced);
  EXPECT_EQ(smtp::render_enhanced(settlement.status), "5.7.30");
  EXPECT_EQ(settlement.tls_failure, TlsFailure::kRequireTlsMissing);
}

TEST(EngineWish, DefersRequireTlsWhereTheCertificateIsWrongForNow) {
  EngineRig rig;
  rig.sts = enforced();
  arrive(rig, "a@example.com", TlsWish::kRequireTls, 1);
  rig.fail(rig.route().conn, Stage::kHandshake, 0, TlsFailure::kCertExpired);
  EXPECT_EQ(rig.only<Persist>().settlements.at(0).ending, Ending::kDeferred);
}

TEST(EngineWish, HeedsNeitherDaneNorStsForMailThatIsBetterDelivered) {
  EngineRig rig;
  rig.sts = enforced();
  arrive(rig, "a@example.com", TlsWish::kOptional, 1);
  EXPECT_TRUE(rig.all<WantSts>().empty());
  EXPECT_EQ(rig.route().tls, TlsNeed::kIfOffered);
}

TEST(EngineWish, HoldsTheLimitsOfTheDomainOverAllWishes) {
  EngineRig rig;
  rig.sts = enforced();
  rig.options.limits.connections = 1;
  rig.arrive({"a@example.com"});
  const auto plain = rig.route();
  ready(rig, plain.conn, true);
  const auto deliver = rig.only<Deliver>();
  arrive(rig, "b@example.com", TlsWish::kRequireTls, 1);
  rig.answer_mx("example.com", {"mx1.example.com"});
  rig.answer_a("mx1.example.com", {"11.0.0.1"});
  EXPECT_TRUE(rig.all<Connect>().empty());
  rig.delivered(deliver);
  EXPECT_EQ(rig.only<Quit>().conn, plain.conn) << "nobody sits on what another one waits for";
  rig.tell(SessionClosed{plain.conn});
  EXPECT_TRUE(rig.only<Connect>().demand->requiretls);
}

TEST(EngineWish, TakesAConnectionThatIdlesForOthers) {
  EngineRig rig;
  rig.sts = enforced();
  rig.options.limits.connections = 1;
  rig.arrive({"a@example.com"});
  const auto plain = rig.route();
  ready(rig, plain.conn, true);
  rig.delivered(rig.only<Deliver>());
  arrive(rig, "b@example.com", TlsWish::kRequireTls, 1);
  rig.answer_mx("example.com", {"mx1.example.com"});
  rig.answer_a("mx1.example.com", {"11.0.0.1"});
  EXPECT_EQ(rig.only<Quit>().conn, plain.conn);
  rig.tell(SessionClosed{plain.conn});
  EXPECT_EQ(rig.all<Connect>().size(), 1U);
}

TEST(EngineWish, BouncesOnlyWhenAllWereAskedHoweverFewAreTriedAtATime) {
  EngineRig rig;
  rig.sts = enforced();
  rig.options.hosts_per_attempt = 1;
  arrive(rig, "a@example.com", TlsWish::kRequireTls, 1);
  rig.answer_mx("example.com", {"mx1.example.com"});
  rig.answer_a("mx1.example.com", {"11.0.0.1", "11.0.0.2"});
  ready(rig, rig.only<Connect>().conn, false);
  const auto second = rig.only<Connect>();
  EXPECT_EQ(render_endpoint(second.endpoint), "11.0.0.2:25");
  ready(rig, second.conn, false);
  EXPECT_EQ(rig.only<Persist>().settlements.at(0).ending, Ending::kBounced);
}

// Both limits at their end, and more than one waits for each.
TEST(EngineWish, GivesConnectionsInTurnWhereTheDomainAndTheWorkerHaveNoneLeft) {
  EngineRig rig;
  rig.sts = enforced();
  rig.options.limits.connections = 1;
  rig.options.connections_max = 1;
  rig.arrive({"a@example.com"});
  const auto first = rig.route();
  ready(rig, first.conn, true);
  const auto deliver = rig.only<Deliver>();
  arrive(rig, "b@example.com", TlsWish::kRequireTls, 1);
  rig.answer_mx("example.com", {"mx1.example.com"});
  rig.answer_a("mx1.example.com", {"11.0.0.1"});
  arrive(rig, "c@example.com", TlsWish::kOptional, 2);
  rig.answer_mx("example.com", {"mx1.example.com"});
  rig.answer_a("mx1.example.com", {"11.0.0.1"});
  rig.arrive({"d@other.example"});
  rig.answer_mx("other.example", {"mx1.other.example"});
  rig.answer_a("mx1.other.example", {"11.0.0.9"});
  rig.delivered(deliver);
  ConnId open = first.conn;
  std::vector<std::string> order;
  for (int i = 0; i < 3; ++i) {
    rig.tell(SessionClosed{open});
    const auto calls = rig.all<Connect>();
    ASSERT_EQ(calls.size(), 1U) << i;
    open = calls[0].conn;
    order.push_back(calls[0].domain.text());
    ready(rig, open, true);
    rig.delivered(rig.only<Deliver>());
    EXPECT_EQ(rig.engine().counts().connections, 1U);
    if (rig.all<Quit>().empty()) rig.ring();
  }
  EXPECT_EQ(std::count(order.begin(), order.end(), "other.example"), 1);
}

TEST(EngineWish, KnowsTheWishOfWhatAGainedShardBrings) {
  EngineRig rig;
  const auto id = id_at(rig.now);
  rig.tell(Entry{7, id, 0, 0, 0, rig.now, RoutingDomain("example.com"), {}, TlsWish::kRequireTls});
  rig.sts = enforced();
  rig.ring();
  EXPECT_EQ(rig.route().tls_wish, TlsWish::kRequireTls);
}

TEST(EngineWish, ShowsADomainOnceWhateverItsMailWishes) {
  EngineRig rig;
  rig.sts = enforced();
  unsigned sequence = 0;
  for (const TlsWish wish : {TlsWish::kPolicy, TlsWish::kRequireTls, TlsWish::kOptional}) {
    arrive(rig, "a@example.com", wish, ++sequence);
  }
  std::vector<std::uint64_t> ready;
  rig.engine().for_each_destination([&](const auto& view) { ready.push_back(view.ready); });
  EXPECT_EQ(ready, std::vector<std::uint64_t>{3});
  EXPECT_EQ(rig.engine().counts().destinations, 1U);
}

// RFC 8689 §5.
TEST(EngineWish, TakesANotificationToAHostThatPromisesNothing) {
  EngineRig rig;
  rig.arrive({"a@example.com"});
  const auto connect = rig.route();
  rig.ready(connect.conn);
  rig.delivered(rig.only<Deliver>());
  arrive(rig, "b@example.com", TlsWish::kRequireTlsIfOffered, 1);
  EXPECT_EQ(rig.only<Deliver>().conn, connect.conn);
}

TEST(EngineWish, DefersWhereNobodyKnowsWhatTheHostPromises) {
  EngineRig rig;
  rig.sts = enforced();
  arrive(rig, "a@example.com", TlsWish::kRequireTls, 1);
  policy::TlsFacts facts;
  facts.certificate_present = facts.verified = true;
  facts.authenticated_by = policy::TlsAuthentication::kPkix;
  smtp::Capabilities unknown;
  unknown.helo_only = true;
  rig.tell(SessionReady{rig.route().conn, unknown, facts});
  const auto settlement = rig.only<Persist>().settlements.at(0);
  EXPECT_EQ(settlement.ending, Ending::kDeferred);
  EXPECT_EQ(smtp::render_enhanced(settlement.status), "4.7.30");
}

TEST(EngineWish, AsksAgainForEachMessageWhetherAHostThatWasCalledPromisesIt) {
  EngineRig rig;
  rig.sts = enforced();
  arrive(rig, "a@example.com", TlsWish::kRequireTls, 1);
  ready(rig, rig.route().conn, false);
  EXPECT_EQ(rig.only<Persist>().settlements.at(0).ending, Ending::kBounced);
  arrive(rig, "b@example.com", TlsWish::kRequireTls, 2);
  EXPECT_TRUE(rig.all<Persist>().empty());
  ready(rig, rig.route().conn, true);
  EXPECT_EQ(rig.all<Deliver>().size(), 1U);
}

TEST(EngineWish, ReturnsNothingForWantOfAPolicyThatCannotBeHadJustNow) {
  EngineRig rig;
  rig.answer_sts = false;
  arrive(rig, "a@example.com", TlsWish::kRequireTls, 1);
  rig.tell(StsKnown{RoutingDomain("example.com"), std::nullopt, true, rig.now + 1min});
  rig.answer_mx("example.com", {"mx1.example.com"});
  rig.answer_a("mx1.example.com", {"11.0.0.1"});
  const auto settlement = rig.only<Persist>().settlements.at(0);
  EXPECT_EQ(settlement.ending, Ending::kDeferred);
  EXPECT_EQ(smtp::render_enhanced(settlement.status), "4.7.30");
}

TEST(EngineWish, AsksAgainWhenAPolicyMayBeHadThatCouldNot) {
  EngineRig rig;
  rig.answer_sts = false;
  rig.arrive({"a@example.com"});
  rig.tell(StsKnown{RoutingDomain("example.com"), std::nullopt, true, rig.now + 1min});
  const auto connect = rig.route();
  rig.ready(connect.conn);
  rig.persisted((rig.delivered(rig.only<Deliver>()), rig.only<Persist>()));
  rig.ring();
  rig.tell(SessionClosed{connect.conn});
  rig.now = kStart + 2min;
  rig.arrive({"b@example.com"});
  EXPECT_EQ(rig.all<WantSts>().size(), 1U);
}

}  // namespace
}  // namespace posthaste::delivery
