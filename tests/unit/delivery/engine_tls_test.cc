// What follows when TLS cannot be had, by policy.
#include "tests/unit/delivery/engine_rig.h"

namespace posthaste::delivery {
namespace {

using policy::OnTlsFailure;
using policy::TlsFailure;
using policy::TlsLevel;
using smtp::Stage;
using smtp::TlsNeed;

policy::TlsPolicies policies(policy::TlsOverlay overlay) {
  auto made = policy::TlsPolicies::make(std::move(overlay), "test", {});
  EXPECT_TRUE(made.has_value());
  return *made;
}

// With two hosts, mx1 first.
Connect call_first(EngineRig& rig) {
  rig.arrive({"a@example.com"});
  rig.answer_mx("example.com", {"mx1.example.com", "mx2.example.com"});
  rig.answer_a("mx1.example.com", {"11.0.0.1"});
  return rig.only<Connect>();
}
Connect call_second(EngineRig& rig) {
  rig.answer_a("mx2.example.com", {"11.0.0.2"});
  return rig.only<Connect>();
}

TEST(EngineTls, ChoosesTheNeedByLevel) {
  const auto need = [](policy::TlsOverlay overlay) {
    EngineRig rig;
    rig.options.tls = policies(std::move(overlay));
    rig.arrive({"a@example.com"});
    return rig.route();
  };
  policy::TlsOverlay none, may, may_defer, encrypt, implicit;
  none.level = TlsLevel::kNone;
  may_defer.not_offered = OnTlsFailure::kDefer;
  encrypt.level = TlsLevel::kEncrypt;
  implicit.connect = policy::TlsConnect::kImplicit;
  implicit.port = 465;
  EXPECT_EQ(need(none).tls, TlsNeed::kNever);
  EXPECT_EQ(need(may).tls, TlsNeed::kIfOffered);
  EXPECT_EQ(need(may_defer).tls, TlsNeed::kRequired);
  EXPECT_EQ(need(encrypt).tls, TlsNeed::kRequired);
  EXPECT_FALSE(need(encrypt).implicit_tls);
  EXPECT_EQ(need(implicit).tls, TlsNeed::kRequired);
  EXPECT_TRUE(need(implicit).implicit_tls);
  EXPECT_EQ(need(implicit).endpoint.port, 465);
}

TEST(EngineTls, CountsASessionThatWasOfferedNoTls) {
  EngineRig rig;
  rig.arrive({"a@example.com"});
  rig.ready(rig.route().conn, false);
  EXPECT_EQ(rig.only<FellBack>().reason, TlsFailure::kNotOffered);
  EXPECT_EQ(rig.only<FellBack>().from, "starttls");
  EXPECT_EQ(rig.only<FellBack>().to, "plaintext");
  rig.delivered(rig.only<Deliver>());
  EXPECT_EQ(rig.only<Persist>().settlements[0].tls, "plaintext (not_offered)");
}

TEST(EngineTls, DefersWhereTheLevelCannotBeHad) {
  EngineRig rig;
  policy::TlsOverlay encrypt;
  encrypt.level = TlsLevel::kEncrypt;
  rig.options.tls = policies(encrypt);
  rig.fail(call_first(rig).conn, Stage::kEhlo, 0, TlsFailure::kNotOffered);
  rig.fail(call_second(rig).conn, Stage::kConnect);
  EXPECT_TRUE(rig.all<Connect>().empty());
  const auto settlement = rig.only<Persist>().settlements.at(0);
  EXPECT_EQ(settlement.ending, Ending::kDeferred);
  EXPECT_EQ(settlement.retry_class, policy::RetryClass::kTls);
  EXPECT_EQ(smtp::render_enhanced(settlement.status), "4.7.4");
  EXPECT_EQ(settlement.tls_failure, TlsFailure::kNotOffered);
}

TEST(EngineTls, BouncesWherePolicySaysSoAndNoHostMayYetHaveIt) {
  policy::TlsOverlay bounce;
  bounce.level = TlsLevel::kEncrypt;
  bounce.handshake = OnTlsFailure::kBounce;
  EngineRig rig;
  rig.options.tls = policies(bounce);
  rig.fail(call_first(rig).conn, Stage::kHandshake, 0, TlsFailure::kCertExpired);
  rig.fail(call_second(rig).conn, Stage::kHandshake, 0, TlsFailure::kCertExpired);
  const auto settlement = rig.only<Persist>().settlements.at(0);
  EXPECT_EQ(settlement.ending, Ending::kBounced);
  EXPECT_EQ(smtp::render_enhanced(settlement.status), "5.7.5");

  EngineRig other;
  other.options.tls = policies(bounce);
  other.fail(call_first(other).conn, Stage::kHandshake, 0, TlsFailure::kCertExpired);
  other.fail(call_second(other).conn, Stage::kConnect);
  EXPECT_EQ(other.only<Persist>().settlements.at(0).ending, Ending::kDeferred);
}

TEST(EngineTls, NeverFallsBackForAFailureOfOurOwn) {
  EngineRig rig;
  rig.arrive({"a@example.com"});
  rig.fail(rig.route().conn, Stage::kHandshake, 0, TlsFailure::kLocalError);
  EXPECT_TRUE(rig.all<Connect>().empty());
  EXPECT_EQ(rig.only<Persist>().settlements.at(0).retry_class, policy::RetryClass::kTls);
}

TEST(EngineTls, NeverFallsBackForASilentHost) {
  EngineRig rig;
  rig.arrive({"a@example.com"});
  rig.fail(rig.route().conn, Stage::kGreeting);
  EXPECT_TRUE(rig.all<Connect>().empty());
  EXPECT_EQ(rig.only<Persist>().settlements.at(0).retry_class, policy::RetryClass::kConnect);
}

TEST(EngineTls, NeverFallsBackOnAPortWhereTlsIsImplicit) {
  policy::TlsOverlay implicit;
  implicit.connect = policy::TlsConnect::kImplicit;
  EngineRig rig;
  rig.options.tls = policies(implicit);
  rig.arrive({"a@example.com"});
  rig.fail(rig.route().conn, Stage::kHandshake, 0, TlsFailure::kNotTls);
  EXPECT_TRUE(rig.all<Connect>().empty());
  EXPECT_EQ(rig.only<Persist>().settlements.at(0).ending, Ending::kDeferred);
}

}  // namespace
}  // namespace posthaste::delivery
