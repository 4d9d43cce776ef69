#include <gtest/gtest.h>

#include "daemon/rehearsal/scenario_reader.h"
#include "daemon/rehearsal/scripted_conduct.h"

namespace posthaste::rehearsal {
namespace {

using namespace std::chrono_literals;
using Kind = Deed::Kind;

// One host, with what befalls it.
class ScriptedConductTest : public testing::Test {
 protected:
  void befalls(const std::string& trouble) {
    auto parsed = parse_scenario(
        "domains: [{ name: a.example }]\nincidents: [{ hosts: [\"*\"], " + trouble + " }]\n", "s");
    ASSERT_TRUE(parsed.scenario) << render_diagnostic(parsed.errors.front());
    scenario_ = *std::move(parsed.scenario);
    climate_.emplace(scenario_);
    world_.emplace(1, scenario_.start, false);
  }
  ScriptedConduct connection() { return {*world_, *climate_, scenario_.hosts[0], 0, state_}; }

  Scenario scenario_;
  std::optional<Climate> climate_;
  std::optional<World> world_;
  HostState state_;
};

TEST_F(ScriptedConductTest, TurnsAwayConnectionsBeyondItsLimit) {
  befalls("connections_max: 2");
  ScriptedConduct one = connection(), two = connection();
  EXPECT_EQ(two.at(Turn::kGreeting, {}).kind, Kind::kProper);
  ScriptedConduct three = connection();
  const Deed deed = three.at(Turn::kGreeting, {});
  EXPECT_EQ(deed.kind, Kind::kClosing);
  EXPECT_EQ(deed.code, 421);
  three.on_gone();
  one.on_gone();
  EXPECT_EQ(connection().at(Turn::kGreeting, {}).kind, Kind::kProper);
}

TEST_F(ScriptedConductTest, CountsMessagesAnewInEachPeriod) {
  befalls("messages_max: 2/m");
  ScriptedConduct conduct = connection();
  EXPECT_EQ(conduct.at(Turn::kMail, "s@x").kind, Kind::kProper);
  EXPECT_EQ(conduct.at(Turn::kMail, "s@x").kind, Kind::kProper);
  EXPECT_EQ(conduct.at(Turn::kMail, "s@x").kind, Kind::kClosing);
  world_->run_until(scenario_.start + 1min);
  EXPECT_EQ(conduct.at(Turn::kMail, "s@x").kind, Kind::kProper);
}

TEST_F(ScriptedConductTest, KnowsAPairOfSenderAndRecipientAfterAWhile) {
  befalls("greylist: 5m");
  ScriptedConduct conduct = connection();
  conduct.at(Turn::kMail, "s@x");
  EXPECT_EQ(conduct.at(Turn::kRcpt, "u@a.example").code, 450);
  world_->run_until(scenario_.start + 5min);
  EXPECT_EQ(conduct.at(Turn::kRcpt, "u@a.example").kind, Kind::kProper);
  EXPECT_EQ(conduct.at(Turn::kRcpt, "v@a.example").code, 450);
  conduct.at(Turn::kMail, "t@x");
  EXPECT_EQ(conduct.at(Turn::kRcpt, "u@a.example").code, 450);
}

TEST_F(ScriptedConductTest, ShakesHandsOnlyWithTheProfileThatItNeeds) {
  befalls("handshake: needs_compat");
  ScriptedConduct conduct = connection();
  EXPECT_EQ(conduct.handshake_failure("modern"), policy::TlsFailure::kPeerHandshakeFailure);
  EXPECT_EQ(conduct.handshake_failure("compat"), policy::TlsFailure::kNone);
}

TEST_F(ScriptedConductTest, ShowsTheCertificateThatItHasJustThen) {
  befalls("from: 1h, for: 1h, certificate: wrong_name");
  ScriptedConduct conduct = connection();
  EXPECT_TRUE(conduct.certificate().verifies());
  world_->run_until(scenario_.start + 90min);
  EXPECT_FALSE(conduct.certificate().verifies());
  world_->run_until(scenario_.start + 2h);
  EXPECT_TRUE(conduct.certificate().verifies());
}

TEST_F(ScriptedConductTest, ClosesBehindItsOwn421) {
  befalls("reply: 421 4.3.2 closing, at: mail");
  ScriptedConduct conduct = connection();
  EXPECT_EQ(conduct.at(Turn::kRcpt, "u@a.example").kind, Kind::kProper);
  EXPECT_EQ(conduct.at(Turn::kMail, "s@x").kind, Kind::kClosing);
}

}  // namespace
}  // namespace posthaste::rehearsal
