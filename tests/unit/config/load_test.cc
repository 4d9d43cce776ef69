#include "config/load.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>

#include "lib/policy/retry_policy.h"
#include "lib/policy/tls_policies.h"

namespace posthaste::config {
namespace {

using namespace std::chrono_literals;
using policy::OnTlsFailure;
using policy::RetryClass;
using policy::TlsLevel;

Config must_load(std::string_view yaml) {
  LoadResult result = load_config(yaml, "posthaste.yaml");
  EXPECT_TRUE(result.config) << render_diagnostic(result.errors.front());
  return result.config ? std::move(*result.config) : Config{};
}

// The example of the design, less what later versions have.
constexpr std::string_view kWholeShape = R"(
hostname: mta1.Example.com
data_dir: /srv/posthaste
workers: 3
listen:
  - { address: 127.0.0.1:587, tls: starttls }
  - { address: "[::1]:465", tls: implicit }
submission:
  trusted: [127.0.0.0/8, "::1/128"]
  certificate: /etc/posthaste/tls/cert.pem
  private_key: /etc/posthaste/tls/key.pem
  limits: { message_size: 10MiB, recipients: 50, connections: 7 }
  future_release_max: 0s
  deliver_by_min: 30s
  priority: false
dns:
  servers: ["127.0.0.1:5300", 127.0.0.2]
delivery:
  port: 2525
  allow_networks: [10.0.0.0/8]
  timeouts: { connect: 3s, final_dot: 20m }
  limits:
    default: { connections: 4, connection_rate: 10/s }
    domains: [ { match: [example.com], connections: 5, message_rate: 100/m } ]
  routes: [ { match: "*.internal.example", hosts: ["relay.example:2525", "192.0.2.9"] } ]
tls:
  profiles:
    antique: { inherit: compat, min_version: TLSv1.1 }
    compat: { ciphers: "ALL:!aNULL", groups: [X25519, P-256], security_level: 0 }
  default: { level: may, fallback: { handshake: defer } }
  domains:
    - match: [example.com, "*.example.com"]
      level: encrypt
    - { match: old.example, ladder: antique, connect: implicit, port: 465 }
retry:
  default: { intervals: [1m, 5m], jitter: 0.2, expire_after: 2d, delay_notice_after: 6h }
  classes: { greylist: { intervals: [5m, 10m] } }
  domains:
    - { match: [example.com], intervals: 30s, classes: { mailbox: { delay_notice_after: never } } }
queue: { sync: true, min_free_space: 1GiB, body_cache: 64MiB, history: 3d }
admin: { http: "127.0.0.1:9000", socket: /run/p.sock }
log: { level: debug, format: json }
metrics: { domains: [Example.com], top_domains: 5 }
)";

TEST(LoadConfig, AnEmptyFileIsTheDefaults) {
  const Config config = must_load("");
  EXPECT_EQ(config.hostname, "");
  EXPECT_EQ(config.data_dir, "/var/lib/posthaste");
  EXPECT_EQ(config.workers, 0U);
  ASSERT_EQ(config.listen.size(), 1U);
  EXPECT_EQ(render_endpoint(config.listen[0].address), "127.0.0.1:587");
  EXPECT_EQ(config.listen[0].tls, ListenTls::kNone);
  EXPECT_EQ(config.submission.trusted.size(), 2U);
  EXPECT_EQ(config.submission.message_bytes_max, 50U << 20);
  EXPECT_EQ(config.submission.future_release_max, 7 * 24h);
  EXPECT_EQ(config.submission.deliver_by_min, 1min);
  EXPECT_TRUE(config.submission.priority);
  EXPECT_EQ(config.delivery.port, 25);
  EXPECT_EQ(config.delivery.timeouts.final_dot, 10min);
  EXPECT_EQ(config.delivery.limits.connections, 20U);
  EXPECT_EQ(config.delivery.limits.message_rate.count, 0U);
  EXPECT_EQ(config.retry.defaults, policy::RetryPolicy{});
  EXPECT_TRUE(config.queue.sync);
  EXPECT_EQ(config.queue.min_free_bytes, 2ULL << 30);
  ASSERT_TRUE(config.admin.http);
  EXPECT_EQ(config.admin.socket, "/run/posthaste/admin.sock");
  EXPECT_EQ(config.metrics.top_domains, 50U);
}

TEST(LoadConfig, SectionsWhoseContentIsCommentedOutAreAsGoodAsAbsent) {
  const Config config =
      must_load("queue:\n#  sync: false\nlisten:\ntls:\n  default:\n  domains:\n");
  EXPECT_TRUE(config.queue.sync);
  EXPECT_EQ(config.listen.size(), 1U);
}

TEST(LoadConfig, AnEmptyListIsNotTheDefault) {
  EXPECT_TRUE(must_load("listen: []\n").listen.empty());
  EXPECT_TRUE(must_load("submission: { trusted: [] }\n").submission.trusted.empty());
}

TEST(LoadConfig, TheAdminEndpointCanBeTurnedOff) {
  EXPECT_FALSE(must_load("admin: { http: none }\n").admin.http);
}

TEST(LoadConfig, ReadsSubmissionAndListeners) {
  const Config config = must_load(kWholeShape);
  EXPECT_EQ(config.hostname, "mta1.example.com");
  EXPECT_EQ(config.workers, 3U);
  ASSERT_EQ(config.listen.size(), 2U);
  EXPECT_EQ(config.listen[0].tls, ListenTls::kStartTls);
  EXPECT_EQ(render_endpoint(config.listen[1].address), "[::1]:465");
  EXPECT_EQ(config.listen[1].tls, ListenTls::kImplicit);
  EXPECT_EQ(config.submission.certificate, "/etc/posthaste/tls/cert.pem");
  EXPECT_EQ(config.submission.private_key, "/etc/posthaste/tls/key.pem");
  EXPECT_EQ(config.submission.message_bytes_max, 10U << 20);
  EXPECT_EQ(config.submission.recipients_max, 50);
  EXPECT_EQ(config.submission.connections_max, 7U);
  EXPECT_EQ(config.submission.future_release_max, 0s);
  EXPECT_EQ(config.submission.deliver_by_min, 30s);
  EXPECT_FALSE(config.submission.priority);
  ASSERT_EQ(config.dns_servers.size(), 2U);
  EXPECT_EQ(render_endpoint(config.dns_servers[1]), "127.0.0.2:53");
}

TEST(LoadConfig, ReadsDelivery) {
  const Config config = must_load(kWholeShape);
  EXPECT_EQ(config.delivery.port, 2525);
  EXPECT_EQ(render_network(config.delivery.allow_networks.at(0)), "10.0.0.0/8");
  EXPECT_EQ(config.delivery.timeouts.connect, 3s);
  EXPECT_EQ(config.delivery.timeouts.greeting, 5min);
  EXPECT_EQ(config.delivery.limits.connections, 4U);
  EXPECT_EQ(config.delivery.limits.messages_per_connection, 1000U);
  EXPECT_EQ(config.delivery.limits.connection_rate, (Rate{10, 1s}));
  ASSERT_EQ(config.delivery.limit_rules.size(), 1U);
  const LimitsRule& rule = config.delivery.limit_rules[0];
  EXPECT_EQ(rule.match.at(0).text, "example.com");
  EXPECT_EQ(rule.connections, 5U);
  EXPECT_EQ(rule.message_rate, (Rate{100, 1min}));
  EXPECT_FALSE(rule.recipients_per_message);
  ASSERT_EQ(config.delivery.routes.size(), 1U);
  EXPECT_EQ(config.delivery.routes[0].hosts.at(0).name.text(), "relay.example");
  EXPECT_EQ(config.delivery.routes[0].hosts.at(0).port, 2525);
  EXPECT_EQ(config.delivery.routes[0].hosts.at(1).port, 0);
}

TEST(LoadConfig, ProfilesInheritFieldByFieldWhateverTheirOrder) {
  const Config config = must_load(kWholeShape);
  ASSERT_NE(config.tls.profile("modern"), nullptr);
  EXPECT_EQ(*config.tls.profile("modern"), policy::modern_profile());
  const policy::TlsProfile* antique = config.tls.profile("antique");
  ASSERT_NE(antique, nullptr);
  EXPECT_EQ(antique->min_version, policy::TlsVersion::kTls11);
  EXPECT_EQ(antique->max_version, policy::modern_profile().max_version);
  EXPECT_EQ(antique->ciphers, "ALL:!aNULL");
  EXPECT_EQ(antique->groups, "X25519:P-256");
  EXPECT_EQ(antique->security_level, 0);
  EXPECT_EQ(antique->ciphersuites, policy::modern_profile().ciphersuites);
  EXPECT_EQ(config.tls.profile("nobody"), nullptr);
}

TEST(LoadConfig, TheBuiltInProfileMayBeChangedAndHandsItsChangeDown) {
  const Config config =
      must_load("tls:\n  profiles:\n    modern: { security_level: 2 }\n    mine: {}\n");
  EXPECT_EQ(config.tls.profiles.size(), 5U) << "four are built in";
  EXPECT_EQ(config.tls.profile("reduced")->security_level, 2);
  EXPECT_EQ(config.tls.profile("modern")->security_level, 2);
  EXPECT_EQ(config.tls.profile("mine")->security_level, 2);
}

TEST(LoadConfig, TlsRulesKnowWhereTheyStand) {
  const Config config = must_load(kWholeShape);
  const policy::ExplainedTlsPolicy example =
      config.tls.policies.explain(RoutingDomain("a.example.com"));
  EXPECT_EQ(example.policy.level, TlsLevel::kEncrypt);
  EXPECT_EQ(example.origins[static_cast<std::size_t>(policy::TlsField::kLevel)],
            "posthaste.yaml:32");
  EXPECT_EQ(example.origins[static_cast<std::size_t>(policy::TlsField::kHandshake)], "tls.default");
  EXPECT_EQ(example.origins[static_cast<std::size_t>(policy::TlsField::kLadder)], "built-in");
  EXPECT_EQ(example.policy.handshake, OnTlsFailure::kDefer);
  const policy::TlsPolicy old = config.tls.policies.policy_for(RoutingDomain("old.example"));
  EXPECT_EQ(old.connect, policy::TlsConnect::kImplicit);
  EXPECT_EQ(old.port, 465);
  EXPECT_EQ(old.ladder, std::vector<std::string>{"antique"});
}

TEST(LoadConfig, ReadsRetryByClassAndDomain) {
  const Config config = must_load(kWholeShape);
  EXPECT_EQ(config.retry.defaults.intervals, (std::vector<Duration>{1min, 5min}));
  EXPECT_EQ(config.retry.defaults.jitter, 0.2);
  EXPECT_EQ(config.retry.defaults.expire_after, 48h);
  const auto greylist = config.retry.policy_for(RoutingDomain("b.example"), RetryClass::kGreylist);
  EXPECT_EQ(greylist.intervals, (std::vector<Duration>{5min, 10min}));
  EXPECT_EQ(greylist.expire_after, 48h);
  const auto example = config.retry.policy_for(RoutingDomain("example.com"), RetryClass::kGreylist);
  EXPECT_EQ(example.intervals, (std::vector<Duration>{30s}));
  EXPECT_EQ(example.delay_notice_after, 6h);
  const auto mailbox = config.retry.policy_for(RoutingDomain("example.com"), RetryClass::kMailbox);
  EXPECT_EQ(mailbox.intervals, (std::vector<Duration>{30s}));
  EXPECT_EQ(mailbox.delay_notice_after, Duration::zero()) << "never";
}

TEST(LoadConfig, ReadsTheRest) {
  const Config config = must_load(kWholeShape);
  EXPECT_EQ(config.queue.min_free_bytes, 1ULL << 30);
  EXPECT_EQ(config.queue.body_cache_bytes, 64ULL << 20);
  EXPECT_EQ(config.queue.history, 72h);
  EXPECT_EQ(render_endpoint(*config.admin.http), "127.0.0.1:9000");
  EXPECT_EQ(config.admin.socket, "/run/p.sock");
  EXPECT_EQ(config.log.level, LogLevel::kDebug);
  EXPECT_EQ(config.log.format, LogFormat::kJson);
  EXPECT_EQ(config.metrics.domains.at(0).text(), "example.com");
  EXPECT_EQ(config.metrics.top_domains, 5U);
}

}  // namespace
}  // namespace posthaste::config
