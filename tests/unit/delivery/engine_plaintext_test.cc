// A host that is up in plaintext because its handshakes fail: who may go that way, and who asks for
// TLS once more.
#include "tests/unit/delivery/engine_rig.h"

namespace posthaste::delivery {
namespace {

using policy::TlsFailure;
using smtp::Stage;
using smtp::TlsNeed;

void arrive_old(EngineRig& rig, const std::string& to, Duration age = 11min) {
  rig.arrive(make_letter(id_at(rig.now - age), {to}, rig.now));
}

// Fails the handshake of this call and of those that follow with TLS.
void fail_all_rungs(EngineRig& rig, Connect call, TlsFailure failure) {
  for (int i = 0; i < 5 && call.tls != TlsNeed::kNever; ++i) {
    rig.fail(call.conn, Stage::kHandshake, 0, failure);
    if (rig.all<Connect>().empty()) return;
    call = rig.only<Connect>();
  }
}

// A connection in plaintext that has delivered, and is delivering.
Deliver deliver_in_plaintext(EngineRig& rig) {
  arrive_old(rig, "old@example.com");
  fail_all_rungs(rig, rig.route(), TlsFailure::kClosed);
  const auto plain = rig.only<Connect>();
  EXPECT_EQ(plain.tls, TlsNeed::kNever);
  rig.ready(plain.conn, false);
  rig.delivered(rig.only<Deliver>());
  arrive_old(rig, "older@example.com", 12min);
  return rig.only<Deliver>();
}

policy::TlsFacts verified() {
  policy::TlsFacts facts;
  facts.certificate_present = facts.verified = true;
  facts.authenticated_by = policy::TlsAuthentication::kPkix;
  return facts;
}

// ---- what is shown

TEST(EnginePlaintext, IsShownAsTheNextStepOnlyOfMailThatHasWaited) {
  EngineRig rig;
  deliver_in_plaintext(rig);
  const auto view = *rig.engine().tls_view(RoutingDomain("example.com"), rig.now);
  EXPECT_EQ(view.hosts.at(0).addresses.at(0).next,
            "modern; plaintext for mail that has waited plaintext_after");
}

// ---- young mail

TEST(EnginePlaintext, AsksForTlsOnAConnectionOfItsOwnForMailThatIsTooYoung) {
  EngineRig rig;
  const auto deliver = deliver_in_plaintext(rig);
  rig.delivered(deliver);
  rig.arrive({"young@example.com"});
  EXPECT_TRUE(rig.all<Deliver>().empty()) << "though one is free";
  const auto call = rig.only<Connect>();
  EXPECT_EQ(call.tls, TlsNeed::kIfOffered);
  arrive_old(rig, "second@example.com", 20min);
  EXPECT_EQ(rig.only<Deliver>().conn, deliver.conn) << "which waits for nobody";
  rig.ready(call.conn);
  EXPECT_EQ(rig.only<Deliver>().recipients[0].address.text(), "young@example.com");
}

TEST(EnginePlaintext, GoesOnWithTlsOnceItIsToBeHad) {
  EngineRig rig;
  const auto deliver = deliver_in_plaintext(rig);
  rig.arrive({"young@example.com"});
  const auto call = rig.only<Connect>();
  rig.ready(call.conn);
  rig.delivered(deliver);
  EXPECT_EQ(rig.only<Quit>().conn, deliver.conn) << "nothing more goes in plaintext";
  arrive_old(rig, "second@example.com", 20min);
  EXPECT_EQ(rig.only<Connect>().tls, TlsNeed::kIfOffered);
}

TEST(EnginePlaintext, LetsYoungMailWaitWhereTlsCannotBeHadAndAsksOnceAMinute) {
  EngineRig rig;
  const auto deliver = deliver_in_plaintext(rig);
  const Instant begun = rig.now;
  rig.arrive({"young@example.com"});
  fail_all_rungs(rig, rig.only<Connect>(), TlsFailure::kClosed);
  EXPECT_TRUE(rig.all<BackedOff>().empty());
  const auto young = rig.only<Persist>().settlements.at(0);
  EXPECT_EQ(young.ending, Ending::kDeferred);
  EXPECT_EQ(young.tls_failure, TlsFailure::kClosed);
  EXPECT_LE(young.after.due, begun + 10min + 30s);
  rig.arrive({"young2@example.com"});
  EXPECT_TRUE(rig.out.empty());
  arrive_old(rig, "second@example.com", 20min);
  rig.delivered(deliver);
  EXPECT_EQ(rig.only<Deliver>().recipients[0].address.text(), "second@example.com");
  rig.ring_at(begun + 1min);
  EXPECT_EQ(rig.only<Connect>().tls, TlsNeed::kIfOffered);
}

// ---- the strip guard

TEST(EnginePlaintext, IsNoAnswerToABrokenHandshakeOfAHostThatHasShownVerifiedTls) {
  EngineRig rig;
  arrive_old(rig, "a@example.com");
  const auto shown = rig.route();
  rig.tell(SessionReady{shown.conn, {}, verified()});
  rig.persisted((rig.delivered(rig.only<Deliver>()), rig.only<Persist>()));
  rig.ring();
  rig.tell(SessionClosed{shown.conn});
  for (int i = 0; i < 2; ++i) {  // at once, and as it is remembered
    rig.now += 9min;
    arrive_old(rig, "b@example.com");
    fail_all_rungs(rig, i == 0 ? rig.only<Connect>() : rig.route(), TlsFailure::kClosed);
    EXPECT_TRUE(rig.all<Connect>().empty());
    const auto settlement = rig.only<Persist>().settlements.at(0);
    EXPECT_EQ(settlement.ending, Ending::kDeferred);
    EXPECT_EQ(settlement.tls_failure, TlsFailure::kClosed);
  }
}

// ---- a host that would rather have TLS than our plaintext

void refuse(EngineRig& rig, const Deliver& deliver, Stage stage, std::uint16_t code,
            smtp::EnhancedCode status) {
  smtp::TransactionResult result;
  for (const auto& recipient : deliver.recipients) {
    auto one = outcome(recipient.number, smtp::Verdict::kPermanent, code, "Must issue STARTTLS");
    one.stage = stage;
    one.reply.enhanced = status;
    result.outcomes.push_back(one);
  }
  rig.tell(SessionFinished{deliver.conn, result});
}

TEST(EnginePlaintext, BouncesNothingWhereItWasOurChoiceAndIsRefused) {
  struct Row {
    Stage stage;
    std::uint16_t code;
    smtp::EnhancedCode status;
  };
  for (const Row& row : {Row{Stage::kMail, 530, {}}, Row{Stage::kRcpt, 530, {5, 7, 0}},
                         Row{Stage::kRcpt, 550, {5, 7, 10}}, Row{Stage::kMail, 554, {5, 7, 0}}}) {
    EngineRig rig;
    arrive_old(rig, "a@example.com");
    fail_all_rungs(rig, rig.route(), TlsFailure::kClosed);
    const auto plain = rig.only<Connect>();
    rig.ready(plain.conn, false);
    refuse(rig, rig.only<Deliver>(), row.stage, row.code, row.status);
    const auto settlement = rig.only<Persist>().settlements.at(0);
    EXPECT_EQ(settlement.ending, Ending::kDeferred);
    EXPECT_EQ(settlement.retry_class, policy::RetryClass::kTls);
    EXPECT_EQ(settlement.tls_failure, TlsFailure::kClosed);
    EXPECT_EQ(rig.only<Quit>().conn, plain.conn);
  }
}

TEST(EnginePlaintext, AsksAnotherHostWhereStartTlsIsWantedAndNotOffered) {
  EngineRig rig;
  rig.arrive({"a@example.com"});
  rig.answer_mx("example.com", {"mx1.example.com", "mx2.example.com"});
  rig.answer_a("mx1.example.com", {"11.0.0.1"});
  rig.ready(rig.only<Connect>().conn, false);
  refuse(rig, rig.only<Deliver>(), Stage::kMail, 530, {5, 7, 0});
  EXPECT_TRUE(rig.all<Persist>().empty());
  rig.answer_a("mx2.example.com", {"11.0.0.2"});
  EXPECT_EQ(rig.only<Connect>().host.text(), "mx2.example.com");
}

TEST(EnginePlaintext, TakesTheHostsWordWhereTheOperatorWantsNoTls) {
  policy::TlsOverlay none;
  none.level = policy::TlsLevel::kNone;
  EngineRig rig;
  rig.options.tls = *policy::TlsPolicies::make(none, "test", {});
  rig.arrive({"a@example.com"});
  rig.ready(rig.route().conn, false);
  refuse(rig, rig.only<Deliver>(), Stage::kMail, 530, {5, 7, 0});
  EXPECT_EQ(rig.only<Persist>().settlements.at(0).ending, Ending::kBounced);
}

// ---- the back-off

TEST(EnginePlaintext, ShortensNoBackOffWhereItHasNotHelped) {
  EngineRig rig;
  rig.options.retry.defaults.intervals = {1h};
  arrive_old(rig, "a@example.com");
  fail_all_rungs(rig, rig.route(), TlsFailure::kClosed);
  rig.fail(rig.only<Connect>().conn, Stage::kConnect);
  EXPECT_EQ(rig.only<BackedOff>().until, rig.now + 1h);
  EXPECT_EQ(rig.only<Persist>().settlements.at(0).after.due, rig.now + 1h);
}

}  // namespace
}  // namespace posthaste::delivery
