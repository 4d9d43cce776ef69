// Rung by rung, then the next host, then plaintext for who has waited: and what is remembered of
// it.
#include "tests/unit/delivery/engine_rig.h"

namespace posthaste::delivery {
namespace {

using policy::TlsFailure;
using smtp::Stage;
using smtp::TlsNeed;

policy::TlsPolicies policies(policy::TlsOverlay overlay) {
  auto made = policy::TlsPolicies::make(std::move(overlay), "test", {});
  EXPECT_TRUE(made.has_value());
  return *made;
}

// Fails the handshake of this call and of those that follow to the same address; gives the next
// other thing that happens.
Actions fail_all_rungs(EngineRig& rig, const Connect& first, TlsFailure failure) {
  Connect call = first;
  for (int i = 0; i < 5; ++i) {
    rig.fail(call.conn, Stage::kHandshake, 0, failure);
    const auto next = rig.all<Connect>();
    if (next.size() != 1 || next[0].endpoint != first.endpoint || next[0].tls == TlsNeed::kNever) {
      break;
    }
    call = next[0];
  }
  return rig.out;
}

std::shared_ptr<mail::Letter> arrive_old(EngineRig& rig, const std::string& to, Duration age) {
  auto letter = make_letter(id_at(rig.now - age), {to}, rig.now);
  rig.arrive(letter);
  return letter;
}

TEST(EngineLadder, ClimbsDownOnANewConnectionByWhatWouldHelp) {
  EngineRig rig;
  rig.options.hosts_per_attempt = 1;  // the rungs of one address are one try
  rig.arrive({"a@example.com"});
  const auto modern = rig.route();
  EXPECT_EQ(modern.profile, "modern");
  rig.fail(modern.conn, Stage::kHandshake, 0, TlsFailure::kPeerHandshakeFailure);
  const auto compat = rig.only<Connect>();
  EXPECT_EQ(compat.endpoint, modern.endpoint);
  EXPECT_NE(compat.conn, modern.conn);
  EXPECT_EQ(compat.profile, "compat") << "a smaller hello would not help";
  rig.ready(compat.conn);
  EXPECT_EQ(rig.only<FellBack>().from, "modern");
  EXPECT_EQ(rig.only<FellBack>().to, "compat");
  EXPECT_EQ(rig.only<FellBack>().reason, TlsFailure::kPeerHandshakeFailure);
  EXPECT_EQ(rig.all<Deliver>().size(), 1U);
}

TEST(EngineLadder, OffersLessToWhoHangsUp) {
  EngineRig rig;
  rig.arrive({"a@example.com"});
  rig.fail(rig.route().conn, Stage::kHandshake, 0, TlsFailure::kReset);
  EXPECT_EQ(rig.only<Connect>().profile, "reduced");
}

TEST(EngineLadder, OffersNothingElseWhereTheCertificateIsWrong) {
  EngineRig rig;
  policy::TlsOverlay verify;
  verify.level = policy::TlsLevel::kVerify;
  rig.options.tls = policies(verify);
  rig.arrive({"a@example.com"});
  rig.fail(rig.route().conn, Stage::kHandshake, 0, TlsFailure::kCertExpired);
  EXPECT_TRUE(rig.all<Connect>().empty());
  const auto settlement = rig.only<Persist>().settlements.at(0);
  EXPECT_EQ(settlement.tls_failure, TlsFailure::kCertExpired);
  EXPECT_EQ(smtp::render_enhanced(settlement.status), "4.7.5");
}

TEST(EngineLadder, ShakesHandsThreeTimesAtMostThenTriesTheNextHost) {
  EngineRig rig;
  policy::TlsOverlay long_ladder;
  long_ladder.ladder = {{"modern", "reduced", "compat", "antique"}};
  rig.options.tls = policies(long_ladder);
  rig.arrive({"a@example.com"});
  rig.answer_mx("example.com", {"mx1.example.com", "mx2.example.com"});
  rig.answer_a("mx1.example.com", {"11.0.0.1"});
  const auto first = rig.only<Connect>();
  std::vector<std::string> offered{first.profile};
  const auto fail = [&](ConnId conn, TlsFailure failure) {
    rig.fail(conn, Stage::kHandshake, 0, failure);
    if (!rig.all<Connect>().empty()) offered.push_back(rig.only<Connect>().profile);
  };
  fail(first.conn, TlsFailure::kClosed);
  fail(rig.only<Connect>().conn, TlsFailure::kPeerHandshakeFailure);
  fail(rig.only<Connect>().conn, TlsFailure::kProtocolVersion);
  EXPECT_EQ(offered, (std::vector<std::string>{"modern", "reduced", "compat"}));
  rig.answer_a("mx2.example.com", {"11.0.0.2"});
  EXPECT_EQ(rig.only<Connect>().profile, "modern");
}

TEST(EngineLadder, BeginsWithTheRungThatWorkedAndSaysSoToBeKept) {
  EngineRig rig;
  rig.arrive({"a@example.com"});
  rig.fail(rig.route().conn, Stage::kHandshake, 0, TlsFailure::kProtocolVersion);
  const auto compat = rig.only<Connect>();
  rig.ready(compat.conn);
  const auto kept = rig.only<Remember>();
  EXPECT_FALSE(kept.drop);
  rig.persisted((rig.delivered(rig.only<Deliver>()), rig.only<Persist>()));
  rig.ring();
  rig.tell(SessionClosed{compat.conn});
  rig.arrive({"b@example.com"});
  EXPECT_EQ(rig.only<Connect>().profile, "compat");

  EngineRig restarted;
  restarted.tell(Remembered{kept.shown, kept.key, kept.value, kept.expires});
  restarted.arrive({"a@example.com"});
  EXPECT_EQ(restarted.route().profile, "compat");

  EngineRig reset;
  reset.tell(Remembered{kept.shown, kept.key, kept.value, kept.expires});
  reset.tell(ForgetTls{"11.0.0.1"});
  EXPECT_TRUE(reset.only<Remember>().drop);
  reset.arrive({"a@example.com"});
  EXPECT_EQ(reset.route().profile, "modern");
}

TEST(EngineLadder, BeginsAtTheTopWhereTheRememberedRungWorksNoMore) {
  EngineRig rig;
  rig.arrive({"a@example.com"});
  rig.fail(rig.route().conn, Stage::kHandshake, 0, TlsFailure::kProtocolVersion);
  const auto compat = rig.only<Connect>();
  rig.ready(compat.conn);
  rig.persisted((rig.delivered(rig.only<Deliver>()), rig.only<Persist>()));
  rig.ring();
  rig.tell(SessionClosed{compat.conn});
  rig.arrive({"b@example.com"});
  std::vector<std::string> offered{rig.only<Connect>().profile};
  while (!rig.all<Connect>().empty()) {
    rig.fail(rig.only<Connect>().conn, Stage::kHandshake, 0, TlsFailure::kProtocolVersion);
    if (!rig.all<Connect>().empty()) offered.push_back(rig.only<Connect>().profile);
  }
  EXPECT_EQ(offered, (std::vector<std::string>{"compat", "modern", "compat"}));
  EXPECT_EQ(rig.all<Persist>().size(), 1U);
}

// ---- plaintext after a failed handshake

TEST(EngineLadder, TriesTheOtherHostsWithTlsBeforeAnybodyInPlaintext) {
  EngineRig rig;
  arrive_old(rig, "a@example.com", 11min);
  rig.answer_mx("example.com", {"mx1.example.com", "mx2.example.com"});
  rig.answer_a("mx1.example.com", {"11.0.0.1"});
  const auto first = rig.only<Connect>();
  fail_all_rungs(rig, first, TlsFailure::kPeerHandshakeFailure);
  rig.answer_a("mx2.example.com", {"11.0.0.2"});
  const auto second = rig.only<Connect>();
  EXPECT_EQ(second.tls, TlsNeed::kIfOffered);
  rig.fail(second.conn, Stage::kConnect);
  const auto third = rig.only<Connect>();
  EXPECT_EQ(third.endpoint, first.endpoint) << "only the one whose TLS failed";
  EXPECT_EQ(third.tls, TlsNeed::kNever);
  rig.ready(third.conn, false);
  EXPECT_EQ(rig.only<FellBack>().reason, TlsFailure::kPeerHandshakeFailure);
  EXPECT_EQ(rig.only<FellBack>().to, "plaintext");
  rig.delivered(rig.only<Deliver>());
  EXPECT_EQ(rig.only<Persist>().settlements[0].tls, "plaintext (peer_handshake_failure)");
}

TEST(EngineLadder, LetsYoungMailWaitUntilItMayGoInPlaintext) {
  EngineRig rig;
  rig.options.retry.defaults.intervals = {1h};
  auto letter = rig.arrive({"a@example.com"});
  fail_all_rungs(rig, rig.route(), TlsFailure::kClosed);
  EXPECT_TRUE(rig.all<Connect>().empty());
  const auto settlement = rig.only<Persist>().settlements.at(0);
  EXPECT_EQ(settlement.retry_class, policy::RetryClass::kTls);
  EXPECT_GE(settlement.after.due, kStart + 10min);
  EXPECT_LE(settlement.after.due, kStart + 10min + 30s);
  EXPECT_LE(rig.only<BackedOff>().until, kStart + 10min);
  rig.persisted(rig.only<Persist>());
  rig.ring_at(settlement.after.due);
  rig.tell(Loaded{letter->envelope->id, letter});
  const auto again = rig.route();
  EXPECT_EQ(again.tls, TlsNeed::kIfOffered) << "once more, for nothing is remembered so long";
  fail_all_rungs(rig, again, TlsFailure::kClosed);
  EXPECT_EQ(rig.only<Connect>().tls, TlsNeed::kNever);
}

TEST(EngineLadder, AsksNobodyToWaitWhereTlsIsRefusedOrNotOffered) {
  EngineRig rig;
  rig.arrive({"a@example.com"});
  rig.fail(rig.route().conn, Stage::kStartTls, 0, TlsFailure::kRefusedPermanent);
  EXPECT_EQ(rig.only<Connect>().tls, TlsNeed::kNever);
}

TEST(EngineLadder, OffersNoOtherRungToWhoHasSeenNoHello) {
  for (const TlsFailure failure :
       {TlsFailure::kTimeout, TlsFailure::kClosed, TlsFailure::kProtocolError}) {
    EngineRig rig;
    arrive_old(rig, "a@example.com", 11min);
    const auto first = rig.route();
    rig.fail(first.conn, Stage::kStartTls, 0, failure);
    EXPECT_EQ(rig.only<Connect>().endpoint, first.endpoint);
    EXPECT_EQ(rig.only<Connect>().tls, TlsNeed::kNever) << "it counts as a handshake that failed";
  }
}

// The call to the host of a mail that comes so long after another went there in plaintext.
TlsNeed asked_for_after(Duration wait) {
  EngineRig rig;
  arrive_old(rig, "a@example.com", 11min);
  fail_all_rungs(rig, rig.route(), TlsFailure::kNotTls);
  const auto plain = rig.only<Connect>();
  rig.ready(plain.conn, false);
  rig.persisted((rig.delivered(rig.only<Deliver>()), rig.only<Persist>()));
  rig.ring();
  rig.tell(SessionClosed{plain.conn});
  rig.now = kStart + wait;
  arrive_old(rig, "b@example.com", 11min);
  return rig.only<Connect>().tls;
}

TEST(EngineLadder, AsksForTlsAgainTenMinutesAfterItHasFailed) {
  EXPECT_EQ(asked_for_after(9min), TlsNeed::kNever) << "it is remembered how TLS fails there";
  EXPECT_EQ(asked_for_after(11min), TlsNeed::kIfOffered);
}

// ---- the strip guard

// A host that has shown verified TLS once.
void show_verified(EngineRig& rig) {
  rig.arrive({"a@example.com"});
  const auto connect = rig.route();
  policy::TlsFacts facts;
  facts.certificate_present = facts.verified = true;
  facts.authenticated_by = policy::TlsAuthentication::kPkix;
  rig.tell(SessionReady{connect.conn, {}, facts});
  rig.persisted((rig.delivered(rig.only<Deliver>()), rig.only<Persist>()));
  rig.ring();
  rig.tell(SessionClosed{connect.conn});
}

TEST(EngineLadder, DoesNotBelieveAHostThatHasShownVerifiedTlsAndOffersNone) {
  for (const TlsFailure failure : {TlsFailure::kNotOffered, TlsFailure::kRefusedPermanent}) {
    EngineRig rig;
    show_verified(rig);
    rig.arrive({"b@example.com"});
    const auto call = rig.only<Connect>();
    EXPECT_EQ(call.tls, TlsNeed::kRequired);
    rig.fail(call.conn, Stage::kEhlo, 0, failure);
    EXPECT_EQ(rig.only<SuspectedStrip>().host.text(), "mx1.example.com");
    EXPECT_TRUE(rig.all<Connect>().empty());
    const auto settlement = rig.only<Persist>().settlements.at(0);
    EXPECT_EQ(settlement.tls_failure, TlsFailure::kSuspectedStrip);
    EXPECT_EQ(settlement.ending, Ending::kDeferred);
  }
}

TEST(EngineLadder, WatchesAlsoTheConnectionsThatAreAddedToOneThatHasShownIt) {
  EngineRig rig;
  rig.arrive({"a@example.com"});
  rig.arrive({"b@example.com"});
  const auto first = rig.route();
  policy::TlsFacts facts;
  facts.certificate_present = facts.verified = true;
  facts.authenticated_by = policy::TlsAuthentication::kPkix;
  rig.tell(SessionReady{first.conn, {}, facts});
  const auto second = rig.only<Connect>();
  EXPECT_EQ(second.endpoint, first.endpoint);
  EXPECT_EQ(second.tls, TlsNeed::kRequired);
}

TEST(EngineLadder, BelievesItWhereThePolicySaysSo) {
  EngineRig rig;
  policy::TlsOverlay trusting;
  trusting.strip_guard = false;
  rig.options.tls = policies(trusting);
  show_verified(rig);
  rig.arrive({"b@example.com"});
  EXPECT_EQ(rig.only<Connect>().tls, TlsNeed::kIfOffered);
}

}  // namespace
}  // namespace posthaste::delivery
