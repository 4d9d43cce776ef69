// What DANE and MTA-STS make of a destination: what is asked when, who is barred, and what happens
// when it changes.
#include "tests/unit/delivery/engine_rig.h"

namespace posthaste::delivery {
namespace {

using dns::AnswerStatus;
using dns::RecordType;
using policy::TlsFailure;
using policy::TlsLevel;
using smtp::Stage;
using smtp::TlsNeed;

dns::Answer secure(const EngineRig& rig, AnswerStatus status = AnswerStatus::kOk) {
  dns::Answer answer;
  answer.status = status;
  answer.authentic = true;
  answer.expires = rig.now + 1h;
  return answer;
}

dns::TlsaRecord pin(char octet) { return {3, 1, 1, std::string(32, octet)}; }

// MX, AAAA and A of example.com's host, all secure; the TLSA question is then due.
void answer_securely(EngineRig& rig, const std::vector<std::string>& hosts = {"mx1.example.com"}) {
  auto mx = secure(rig);
  std::uint16_t preference = 0;
  for (const auto& host : hosts) mx.mx.push_back({preference += 10, MxName(host)});
  rig.tell(Answered{{"example.com", RecordType::kMx}, mx});
  rig.tell(Answered{{hosts[0], RecordType::kAaaa}, secure(rig, AnswerStatus::kNoData)});
  auto a = secure(rig);
  a.addresses = {*parse_ip("11.0.0.1")};
  rig.tell(Answered{{hosts[0], RecordType::kA}, a});
}

Actions& answer_tlsa(EngineRig& rig, dns::Answer answer) {
  return rig.tell(Answered{{"_25._tcp.mx1.example.com", RecordType::kTlsa}, std::move(answer)});
}

policy::StsPolicy sts(policy::StsMode mode, const std::string& mx) { return {mode, {mx}, 24h}; }

policy::TlsFacts verified(policy::TlsAuthentication by) {
  policy::TlsFacts facts;
  facts.certificate_present = facts.verified = true;
  facts.authenticated_by = by;
  return facts;
}

// ---- DANE

TEST(EngineEvidence, AsksForTlsaOfASecureHostAndDemandsWhatItFinds) {
  EngineRig rig;
  rig.arrive({"a@example.com"});
  answer_securely(rig);
  EXPECT_EQ(rig.only<Lookup>().question.type, RecordType::kTlsa);
  auto tlsa = secure(rig);
  tlsa.tlsa = {pin('x')};
  answer_tlsa(rig, tlsa);
  const auto connect = rig.only<Connect>();
  EXPECT_EQ(connect.tls, TlsNeed::kRequired);
  EXPECT_EQ(connect.demand->source, policy::TlsSource::kDane);
  EXPECT_EQ(connect.demand->records, tlsa.tlsa);
  EXPECT_EQ(connect.level, TlsLevel::kDane);
}

// The same question is under way twice, as what was asked before was forgotten; and while the store
// is in trouble, nothing is asked.
TEST(EngineEvidence, AsksForTlsaThoughTheAddressesAreAnsweredTwice) {
  EngineRig rig;
  rig.arrive({"a@example.com"});
  auto mx = secure(rig);
  mx.mx.push_back({10, MxName("mx1.example.com")});
  rig.tell(Answered{{"example.com", RecordType::kMx}, mx});
  rig.tell(StsChanged{RoutingDomain("example.com")});
  rig.tell(Answered{{"example.com", RecordType::kMx}, mx});
  rig.tell(StoreTrouble{true});
  rig.tell(Answered{{"mx1.example.com", RecordType::kAaaa}, secure(rig, AnswerStatus::kNoData)});
  auto a = secure(rig);
  a.addresses = {*parse_ip("11.0.0.1")};
  rig.tell(Answered{{"mx1.example.com", RecordType::kA}, a});
  EXPECT_TRUE(rig.all<Lookup>().empty());
  rig.tell(StoreTrouble{false});
  EXPECT_EQ(rig.only<Lookup>().question.type, RecordType::kTlsa);
}

TEST(EngineEvidence, AsksForNoTlsaWhereTheAddressesAreInsecure) {
  EngineRig rig;
  rig.arrive({"a@example.com"});
  EXPECT_EQ(rig.route().demand->level, TlsLevel::kMay);
}

TEST(EngineEvidence, UsesNoHostWhoseTlsaCannotBeLookedUp) {
  EngineRig rig;
  rig.arrive({"a@example.com"});
  answer_securely(rig, {"mx1.example.com", "mx2.example.com"});
  auto tlsa = secure(rig, AnswerStatus::kServFail);
  tlsa.authentic = false;
  answer_tlsa(rig, tlsa);
  EXPECT_TRUE(rig.all<Connect>().empty());
  const auto barred = rig.only<TlsBarred>();
  EXPECT_EQ(barred.failure, TlsFailure::kDaneLookup);
  EXPECT_EQ(barred.host.text(), "mx1.example.com");
  rig.answer_a("mx2.example.com", {"11.0.0.2"});
  EXPECT_EQ(rig.only<Connect>().host.text(), "mx2.example.com");
  rig.fail(rig.only<Connect>().conn, Stage::kConnect);
  const auto settlement = rig.only<Persist>().settlements.at(0);
  EXPECT_EQ(settlement.ending, Ending::kDeferred);
  EXPECT_EQ(settlement.tls_failure, TlsFailure::kDaneLookup);
  EXPECT_EQ(settlement.retry_class, policy::RetryClass::kTls);
  EXPECT_EQ(smtp::render_enhanced(settlement.status), "4.7.5");
}

TEST(EngineEvidence, NeverFallsBackWhereARecordDoesNotMatch) {
  EngineRig rig;
  rig.arrive(make_letter(id_at(rig.now - 1h), {"a@example.com"}, rig.now));
  answer_securely(rig);
  auto tlsa = secure(rig);
  tlsa.tlsa = {pin('x')};
  answer_tlsa(rig, tlsa);
  rig.fail(rig.only<Connect>().conn, Stage::kHandshake, 0, TlsFailure::kDaneNoMatch);
  EXPECT_TRUE(rig.all<Connect>().empty());
  EXPECT_EQ(rig.only<Persist>().settlements.at(0).ending, Ending::kDeferred);
}

TEST(EngineEvidence, DeliversNothingMoreOverAConnectionThatShowedSomethingElse) {
  EngineRig rig;
  rig.arrive({"a@example.com"});
  rig.answer_mx("example.com", {"mx1.example.com"}, 10s);
  rig.answer_a("mx1.example.com", {"11.0.0.1"});
  const auto before = rig.only<Connect>();
  rig.ready(before.conn);
  rig.delivered(rig.only<Deliver>());
  rig.arrive({"c@example.com"});
  const auto deliver = rig.only<Deliver>();
  rig.now += 11s;  // the zone is signed meanwhile, and has TLSA records
  rig.arrive({"b@example.com"});
  answer_securely(rig);
  auto tlsa = secure(rig);
  tlsa.tlsa = {pin('x')};
  answer_tlsa(rig, tlsa);
  const auto after = rig.only<Connect>();
  rig.delivered(deliver);
  EXPECT_TRUE(rig.all<Deliver>().empty());
  EXPECT_EQ(rig.only<Quit>().conn, before.conn);
  rig.tell(SessionReady{after.conn, {}, verified(policy::TlsAuthentication::kDane)});
  EXPECT_EQ(rig.only<Deliver>().recipients[0].address.text(), "b@example.com");
}

TEST(EngineEvidence, DoesNotUseASessionThatLacksWhatWasDemanded) {
  EngineRig rig;
  rig.arrive({"a@example.com"});
  answer_securely(rig);
  auto tlsa = secure(rig);
  tlsa.tlsa = {pin('x')};
  answer_tlsa(rig, tlsa);
  rig.ready(rig.only<Connect>().conn);  // TLS, but nothing was verified
  EXPECT_TRUE(rig.all<Deliver>().empty());
  EXPECT_EQ(rig.all<Quit>().size(), 1U);
  EXPECT_EQ(rig.only<Persist>().settlements.at(0).tls_failure, TlsFailure::kGuarded);
}

// ---- MTA-STS

TEST(EngineEvidence, WaitsForTheStsPolicyBeforeItCallsAnybody) {
  EngineRig rig;
  rig.answer_sts = false;
  rig.arrive({"a@example.com"});
  EXPECT_EQ(rig.only<WantSts>().domain.text(), "example.com");
  rig.answer_mx("example.com", {"mx1.example.com"});
  EXPECT_TRUE(rig.out.empty());
  rig.arrive({"b@other.example"});
  EXPECT_EQ(rig.all<Lookup>().size(), 1U) << "others do not wait with it";
  rig.tell(
      StsKnown{RoutingDomain("example.com"), sts(policy::StsMode::kEnforce, "mx1.example.com")});
  rig.answer_a("mx1.example.com", {"11.0.0.1"});
  const auto connect = rig.only<Connect>();
  EXPECT_EQ(connect.demand->source, policy::TlsSource::kMtaSts);
  EXPECT_EQ(connect.tls, TlsNeed::kRequired);
  EXPECT_EQ(connect.demand->names, std::vector<std::string>{"mx1.example.com"});
}

TEST(EngineEvidence, DefersWhereThePolicyNamesNoneOfTheHosts) {
  EngineRig rig;
  rig.sts = sts(policy::StsMode::kEnforce, "elsewhere.example.com");
  rig.arrive({"a@example.com"});
  rig.answer_mx("example.com", {"mx1.example.com"});
  rig.answer_a("mx1.example.com", {"11.0.0.1"});
  EXPECT_TRUE(rig.all<Connect>().empty());
  EXPECT_EQ(rig.only<TlsBarred>().failure, TlsFailure::kStsMxMismatch);
  const auto settlement = rig.only<Persist>().settlements.at(0);
  EXPECT_EQ(settlement.ending, Ending::kDeferred);
  EXPECT_NE(settlement.reply.text.find("MTA-STS"), std::string::npos);
}

TEST(EngineEvidence, OnlyTellsOfAPolicyThatIsBeingTested) {
  EngineRig rig;
  rig.sts = sts(policy::StsMode::kTesting, "elsewhere.example.com");
  rig.arrive({"a@example.com"});
  rig.answer_mx("example.com", {"mx1.example.com"});
  rig.answer_a("mx1.example.com", {"11.0.0.1"});
  EXPECT_TRUE(rig.only<TlsBarred>().sts_testing);
  EXPECT_EQ(rig.only<Connect>().tls, TlsNeed::kIfOffered);
}

TEST(EngineEvidence, AsksForNoPolicyOfLiteralsRoutesAndLevelNone) {
  policy::TlsOverlay none;
  none.level = TlsLevel::kNone;
  EngineRig literal, routed, plain;
  literal.arrive({"a@[11.0.0.1]"});
  EXPECT_EQ(literal.all<WantSts>().size() + literal.all<Lookup>().size(), 0U);
  EXPECT_EQ(literal.all<Connect>().size(), 1U);
  routed.options.routes.push_back({{{"example.com"}}, {{MxName("relay.example"), 25}}});
  routed.arrive({"a@example.com"});
  EXPECT_TRUE(routed.all<WantSts>().empty());
  plain.options.tls = *policy::TlsPolicies::make(none, "test", {});
  plain.arrive({"a@example.com"});
  EXPECT_TRUE(plain.all<WantSts>().empty());
}

TEST(EngineEvidence, AsksForThePolicyWhereOnlyARuleForHostsHeedsIt) {
  policy::TlsOverlay none, on;
  none.mta_sts = false;
  on.mta_sts = true;
  EngineRig rig;
  rig.options.tls = *policy::TlsPolicies::make(
      none, "test", {{.overlay = on, .origin = "rule", .mx = {{"mx1.example.com"}}}});
  rig.sts = sts(policy::StsMode::kEnforce, "mx1.example.com");
  rig.arrive({"a@example.com"});
  EXPECT_EQ(rig.route().demand->source, policy::TlsSource::kMtaSts);
}

// A further call, made by a plan that lapses while it rings, to a host that the next plan has not
// judged.
TEST(EngineEvidence, GoesOnWithNoHostThatAnEarlierPlanHasFound) {
  EngineRig rig;
  rig.arrive({"a@example.com"});
  rig.arrive({"b@example.com"});
  rig.answer_mx("example.com", {"mx1.example.com"}, 10s);
  rig.answer_a("mx1.example.com", {"11.0.0.1"});
  const auto first = rig.only<Connect>();
  rig.ready(first.conn);
  const auto deliver = rig.only<Deliver>();
  const auto late = rig.only<Connect>();
  rig.delivered(deliver);
  rig.now += 11s;
  rig.arrive({"c@example.com"});
  rig.arrive({"d@example.com"});
  rig.answer_mx("example.com", {"mx2.example.com"});
  rig.ready(late.conn);
  const auto last = rig.all<Deliver>();
  ASSERT_EQ(last.size(), 1U);
  rig.delivered(last[0]);
  EXPECT_EQ(rig.only<Quit>().conn, late.conn);
}

TEST(EngineEvidence, BeginsAfreshWhenAPolicyHasChanged) {
  EngineRig rig;
  rig.arrive({"a@example.com"});
  const auto before = rig.route();
  rig.ready(before.conn);
  rig.delivered(rig.only<Deliver>());
  rig.sts = sts(policy::StsMode::kEnforce, "mx1.example.com");
  rig.tell(StsChanged{RoutingDomain("example.com")});
  EXPECT_EQ(rig.only<Quit>().conn, before.conn);
  rig.tell(SessionClosed{before.conn});
  rig.arrive({"b@example.com"});
  EXPECT_EQ(rig.route().demand->source, policy::TlsSource::kMtaSts);
}

// ---- what is shown

TEST(EngineEvidence, ShowsWhatItKnowsOfADomain) {
  EngineRig rig;
  EXPECT_FALSE(rig.engine().tls_view(RoutingDomain("example.com"), rig.now));
  rig.sts = sts(policy::StsMode::kTesting, "mx1.example.com");
  rig.arrive({"a@example.com"});
  rig.fail(rig.route().conn, Stage::kHandshake, 0, TlsFailure::kProtocolVersion);
  rig.ready(rig.only<Connect>().conn);
  const auto view = *rig.engine().tls_view(RoutingDomain("example.com"), rig.now);
  ASSERT_EQ(view.hosts.size(), 1U);
  EXPECT_TRUE(view.known);
  EXPECT_EQ(view.sts, rig.sts);
  EXPECT_EQ(view.hosts[0].demand.level, TlsLevel::kMay);
  ASSERT_EQ(view.hosts[0].addresses.size(), 1U);
  EXPECT_EQ(view.hosts[0].addresses[0].next, "compat");
  std::size_t remembered = 0;
  rig.engine().for_each_remembered([&](const auto&) { ++remembered; });
  EXPECT_EQ(remembered, 1U);
}

}  // namespace
}  // namespace posthaste::delivery
