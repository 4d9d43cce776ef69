#include "daemon/rehearsal/rehearsal.h"

#include <gtest/gtest.h>

#include <string>

#include "config/load.h"
#include "daemon/rehearsal/scenario_reader.h"

namespace posthaste::rehearsal {
namespace {

using namespace std::chrono_literals;
using policy::RetryClass;

std::shared_ptr<delivery::Options> usual_options() {
  auto options = std::make_shared<delivery::Options>();
  options->helo = HeloName("mta.ours.example");
  return options;
}

Results rehearsed(std::string_view yaml,
                  const std::shared_ptr<const delivery::Options>& options = usual_options(),
                  std::uint64_t seed = 1) {
  const auto parsed = parse_scenario(yaml, "s.yaml");
  EXPECT_TRUE(parsed.scenario) << render_diagnostic(parsed.errors.front());
  if (!parsed.scenario) return {};
  auto results = rehearse(*parsed.scenario, options, seed);
  EXPECT_TRUE(results) << results.error().words;
  return results ? *std::move(results) : Results{};
}

std::uint64_t deferrals(const Results& results, RetryClass retry_class) {
  return results.deferrals[static_cast<std::size_t>(retry_class)];
}

constexpr std::string_view kQuietDay = R"(
length: 1d
domains: [{ name: a.example }, { name: "b[1-3].example" }]
load: { messages_per_hour: 12, recipients: 1..2 }
)";

TEST(Rehearsal, DeliversAllMailAtOnceWhereNothingHappens) {
  const Results results = rehearsed(kQuietDay);
  EXPECT_GT(results.messages, 240U);
  EXPECT_GT(results.all.recipients, results.messages);
  EXPECT_EQ(results.all.delivered + results.all.queued, results.all.recipients);
  EXPECT_LE(results.all.queued, 2U);  // just submitted
  EXPECT_EQ(results.all.within[0], results.all.delivered);
  EXPECT_EQ(results.all.verified, results.all.delivered);
  EXPECT_EQ(results.all.late + results.all.bounced + results.all.plaintext, 0U);
  EXPECT_EQ(results.groups.size(), 2U);
  EXPECT_EQ(results.groups[0].recipients + results.groups[1].recipients, results.all.recipients);
  EXPECT_EQ(results.stretches.size(), 60U);
}

TEST(Rehearsal, IsTheSameForTheSameSeed) {
  const Results one = rehearsed(kQuietDay), again = rehearsed(kQuietDay);
  const Results other = rehearsed(kQuietDay, usual_options(), 2);
  EXPECT_EQ(one.messages, again.messages);
  EXPECT_EQ(one.connections, again.connections);
  EXPECT_EQ(one.all.worst, again.all.worst);
  EXPECT_NE(one.messages, other.messages);
}

constexpr std::string_view kTwoDaysDown = R"(
length: 4d
domains: [{ name: a.example }]
incidents: [{ domains: [a.example], from: day 1 06:00, for: 2d, down: refused }]
load: { messages_per_hour: 6 }
)";

TEST(Rehearsal, DeliversAllOfItAfterTwoDaysDown) {
  const Results results = rehearsed(kTwoDaysDown);
  EXPECT_EQ(results.all.delivered + results.all.queued, results.all.recipients);
  EXPECT_LE(results.all.queued, 1U);
  EXPECT_EQ(results.all.bounced + results.all.expired, 0U);
  // Two days of 6 an hour.
  EXPECT_GT(results.all.late, 230U);
  EXPECT_LT(results.all.late, 350U);
  EXPECT_GE(results.all.worst, 47h);
  EXPECT_LE(results.all.worst, 48h + 5h);
  ASSERT_EQ(results.latest.size(), 1U);
  EXPECT_EQ(results.latest[0].recipients, results.all.late);
  EXPECT_TRUE(results.latest[0].delivered);
  EXPECT_EQ(results.latest[0].needed / 1s, results.all.worst / 1s);
  EXPECT_NE(results.latest[0].why.find("connection refused"), std::string::npos)
      << results.latest[0].why;
  EXPECT_GT(deferrals(results, RetryClass::kConnect), 0U);
}

TEST(Rehearsal, GivesUpWhatHasWaitedTooLong) {
  auto options = usual_options();
  options->retry.defaults.expire_after = 24h;
  const Results results = rehearsed(kTwoDaysDown, options);
  EXPECT_GT(results.all.expired, 100U);
  EXPECT_EQ(results.all.delivered + results.all.expired + results.all.queued,
            results.all.recipients);
  EXPECT_LE(results.all.worst, 24h + 1h);
  EXPECT_GT(results.notifications, 0U);
  ASSERT_FALSE(results.undelivered.empty());
  EXPECT_EQ(results.undelivered[0].group, "a.example");
}

TEST(Rehearsal, WaitsOutAGreylist) {
  const Results results = rehearsed(R"(
length: 1d
domains: [{ name: a.example }]
incidents: [{ hosts: ["*"], greylist: 4m }]
load: { messages_per_hour: 8 }
)");
  EXPECT_GT(deferrals(results, RetryClass::kGreylist), 150U);
  EXPECT_EQ(results.all.bounced, 0U);
  EXPECT_GT(results.all.median, 4min);
  EXPECT_LT(results.all.median, 15min);
}

constexpr std::string_view kStripped = R"(
length: 1d
domains: [{ name: a.example }]
incidents: [{ hosts: ["*"], from: "10:00", to: "16:00", starttls: dropped }]
load: { messages_per_hour: 20 }
)";

TEST(Rehearsal, CountsWhatGoesInPlaintextWhereTheGuardIsOff) {
  policy::TlsOverlay careless;
  careless.strip_guard = false;
  auto options = usual_options();
  options->tls = *policy::TlsPolicies::make(careless, "test", {});
  const Results results = rehearsed(kStripped, options);
  EXPECT_GT(results.all.downgraded, 90U);
  EXPECT_LT(results.all.downgraded, 150U);
  EXPECT_EQ(results.all.plaintext, results.all.downgraded);
  EXPECT_EQ(results.all.late, 0U);
}

TEST(Rehearsal, HoldsMailBackWhereAHostIsSuspectedToBeStripped) {
  const Results results = rehearsed(kStripped);
  EXPECT_EQ(results.all.plaintext, 0U);
  EXPECT_GT(results.strips, 0U);
  EXPECT_GT(results.all.late, 50U);
  EXPECT_EQ(results.all.delivered + results.all.queued, results.all.recipients);
}

TEST(Rehearsal, BouncesWhatAHostRefusesForGood) {
  const Results results = rehearsed(R"(
length: 1h
domains: [{ name: a.example }]
incidents: [{ hosts: ["*"], reply: 550 5.1.1 no such user }]
load: { messages_per_hour: 100 }
)");
  EXPECT_EQ(results.all.bounced, results.all.recipients - results.all.queued);
  EXPECT_LE(results.all.queued, 1U);
  ASSERT_EQ(results.undelivered.size(), 1U);
  EXPECT_EQ(results.undelivered[0].recipients, results.all.bounced);
  EXPECT_EQ(results.undelivered[0].words, "550 5.1.1 no such user");
}

TEST(Rehearsal, SendsTheSameMailWhateverTheConfiguration) {
  auto options = usual_options();
  options->retry.defaults.intervals = {10min};
  const Results one = rehearsed(kTwoDaysDown), other = rehearsed(kTwoDaysDown, options);
  EXPECT_EQ(one.messages, other.messages);
  EXPECT_EQ(one.all.recipients, other.all.recipients);
  EXPECT_NE(one.connections, other.connections);
}

TEST(Rehearsal, DemandsAVerifiedCertificateWhereMtaStsDoes) {
  const Results results = rehearsed(R"(
length: 2d
domains:
  - { name: plain.example, mx: [mx.provider.example] }
  - { name: sts.example, mx: [mx.provider.example], mta_sts: enforce }
incidents: [{ hosts: [mx.provider.example], from: 6h, for: 6h, certificate: expired }]
load: { messages_per_hour: 20 }
)");
  EXPECT_GT(results.groups[0].encrypted, 30U);
  EXPECT_EQ(results.groups[0].late, 0U);
  EXPECT_EQ(results.groups[1].encrypted, 0U);
  EXPECT_GT(results.groups[1].late, 30U);
  EXPECT_EQ(results.all.plaintext, 0U);
  EXPECT_GT(deferrals(results, RetryClass::kTls), 0U);
}

}  // namespace
}  // namespace posthaste::rehearsal
