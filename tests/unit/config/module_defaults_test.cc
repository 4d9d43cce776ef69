// Modules have commented defaults of their own. Whoever reads those and whoever reads
// docs/configuration.md must read the same figures.
#include <gtest/gtest.h>

#include "config/load.h"
#include "lib/delivery/options.h"
#include "lib/smtp/server_session.h"

namespace posthaste::config {
namespace {

Config defaults() {
  LoadResult result = load_config("", "");
  return result.config ? std::move(*result.config) : Config{};
}

TEST(ModuleDefaults, TheClientsTimeoutsAreThoseOfTheTable) {
  const Timeouts ours = defaults().delivery.timeouts;
  const smtp::ClientTimeouts theirs;
  EXPECT_EQ(ours.connect, theirs.connect);
  EXPECT_EQ(ours.greeting, theirs.greeting);
  EXPECT_EQ(ours.ehlo, theirs.ehlo);
  EXPECT_EQ(ours.starttls, theirs.starttls);
  EXPECT_EQ(ours.handshake, theirs.handshake);
  EXPECT_EQ(ours.mail, theirs.mail);
  EXPECT_EQ(ours.rcpt, theirs.rcpt);
  EXPECT_EQ(ours.data, theirs.data);
  EXPECT_EQ(ours.block, theirs.block);
  EXPECT_EQ(ours.final_dot, theirs.final_dot);
}

TEST(ModuleDefaults, TheEnginesLimitsAreThoseOfTheTable) {
  const Config ours = defaults();
  const delivery::Options theirs;
  EXPECT_EQ(ours.delivery.port, theirs.port);
  EXPECT_EQ(ours.delivery.timeouts.idle, theirs.idle);
  EXPECT_EQ(ours.delivery.limits.connections, theirs.limits.connections);
  EXPECT_EQ(ours.delivery.limits.messages_per_connection, theirs.limits.messages_per_connection);
  EXPECT_EQ(ours.delivery.limits.recipients_per_message, theirs.limits.recipients_per_message);
  EXPECT_EQ(ours.delivery.limits.message_rate.count, theirs.limits.message_rate.count);
  EXPECT_EQ(ours.delivery.limits.connection_rate.count, theirs.limits.connection_rate.count);
  EXPECT_EQ(ours.retry.defaults, theirs.retry.defaults);
}

TEST(ModuleDefaults, TheServersLimitsAreThoseOfTheTable) {
  const Submission ours = defaults().submission;
  const smtp::ServerOptions theirs;
  EXPECT_EQ(ours.message_bytes_max, theirs.message_bytes_max);
  EXPECT_EQ(ours.recipients_max, theirs.recipients_max);
  EXPECT_EQ(ours.deliver_by, theirs.deliver_by);
  EXPECT_EQ(ours.deliver_by_min, theirs.deliver_by_min);
  EXPECT_EQ(ours.future_release_max, theirs.future_release_max);
  EXPECT_EQ(ours.priority, theirs.priority);
}

TEST(ModuleDefaults, TheBuiltInTlsPolicyIsThatOfTheTable) {
  EXPECT_EQ(defaults().tls.policies.policy_for(RoutingDomain("a.example")), policy::TlsPolicy{});
}

}  // namespace
}  // namespace posthaste::config
