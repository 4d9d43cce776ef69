// What the daemon writes about TLS and what the tool makes of it, held together.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/admin_tls_json.h"
#include "daemon/tls_report_json.h"
#include "daemon/tool/tls_story.h"

namespace posthaste::daemon::tool {
namespace {

using namespace std::chrono_literals;
using policy::TlsFailure;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

constexpr Instant kNow{1'795'298'923'123'000us};  // 2026-11-21 22:08:43.123 UTC
const RoutingDomain kDomain("example.com");

config::Tls tls_section() {
  config::Tls tls;
  tls.profiles = policy::built_in_profiles();
  tls.policies = *policy::TlsPolicies::make({}, "tls.default",
                                            {{{policy::DomainPattern{"example.com"}},
                                              {.level = policy::TlsLevel::kEncrypt},
                                              "p.yaml:31"}});
  return tls;
}

delivery::TlsView::Host judged_host() {
  delivery::TlsView::Host host;
  host.name = MxName("mx.example.com");
  host.port = 25;
  host.judged = true;
  host.demand.level = policy::TlsLevel::kDane;
  host.demand.source = policy::TlsSource::kDane;
  host.demand.authentication = policy::TlsAuthentication::kDane;
  host.demand.names = {"mx.example.com"};
  host.demand.records =
      host.evidence.records = {{.usage = 3, .selector = 1, .matching = 1, .data = "\xab\xcd"}};
  host.evidence.dane = policy::TlsEvidence::Dane::kUsable;
  host.shown_verified = true;
  policy::TlsRemembered known;
  known.rung = 2;
  known.learned = kNow - 3h;
  known.expires = kNow + 21h;
  host.addresses.push_back({ipv4(192, 0, 2, 1), known, "compat"});
  return host;
}

TEST(TlsStory, ExplainsThePolicyWithOrigins) {
  const auto story = tell_tls(tls_explanation_json(kDomain, tls_section(), {}, kNow), {});
  ASSERT_TRUE(story);
  EXPECT_THAT(*story, ContainsRegex("level +encrypt +p.yaml:31"));
  EXPECT_THAT(*story, ContainsRegex("connect +starttls +built-in"));
  EXPECT_THAT(*story, ContainsRegex("min_version +TLSv1.2"));
}

TEST(TlsStory, ExplainsEveryHostByEvidenceMemoryAndNextCall) {
  TlsRehearsal::Outcome outcome;
  outcome.found.sts = {policy::StsMode::kTesting, {"*.example.com"}, 24h};
  outcome.found.hosts.push_back(judged_host());
  outcome.calls.push_back({"mx.example.com",
                           {ipv4(192, 0, 2, 1), 25},
                           "compat",
                           policy::TlsLevel::kDane,
                           policy::TlsSource::kDane});
  const auto story = tell_tls(tls_explanation_json(kDomain, tls_section(), outcome, kNow), {});
  ASSERT_TRUE(story);
  EXPECT_THAT(*story, HasSubstr("MTA-STS policy: testing, for *.example.com, good for 1d\n"));
  EXPECT_THAT(*story, HasSubstr("mx.example.com:25\n"));
  EXPECT_THAT(*story, HasSubstr("dane by dane: TLS, verified by dane, names mx.example.com, "
                                "records 3 1 1 abcd\n"));
  EXPECT_THAT(*story, HasSubstr("has shown verified TLS"));
  EXPECT_THAT(*story, HasSubstr("next: compat; works with compat, learned 3h ago, lapses in 21h"));
  EXPECT_THAT(*story, ContainsRegex("mx.example.com +192.0.2.1:25 +compat +dane +dane\n"));
}

TEST(TlsStory, SaysWhyAHostIsNotUsedAndWhyNobodyIsCalled) {
  TlsRehearsal::Outcome outcome;
  auto host = judged_host();
  host.barred = TlsFailure::kDaneLookup;
  host.addresses[0].remembered->failure = TlsFailure::kReset;
  host.addresses[0].next = "nothing";
  outcome.found.hosts.push_back(host);
  outcome.words = "nobody can be called\x1b[2J";
  const auto story = tell_tls(tls_explanation_json(kDomain, tls_section(), outcome, kNow), {});
  ASSERT_TRUE(story);
  EXPECT_THAT(*story, ContainsRegex("not used +dane_lookup\n"));
  EXPECT_THAT(*story, HasSubstr("next: nothing; failed: reset, learned 3h ago"));
  EXPECT_THAT(*story, HasSubstr("nobody can be called?[2J\n"));
}

TEST(TlsStory, ListsWhatIsRemembered) {
  policy::TlsRemembered works, failed;
  works.rung = 2;
  works.learned = failed.learned = kNow - 3h;
  works.expires = failed.expires = kNow + 21h;
  failed.failure = TlsFailure::kReset;
  TlsMemoryPage page({3, {}});
  page.add({{"mx.example.com:25", "", works}, 1});
  page.add({{"192.0.2.1:25", "sha256:0123456789abcdef", works}, 0});
  page.add({{"192.0.2.2:25", "0123456789abcdef", failed}, 0});
  const auto story = tell_tls_memory(tls_memory_json(page, kNow), {});
  ASSERT_TRUE(story);
  EXPECT_THAT(*story, HasSubstr("\n3 notes\n"));
  page.add({{"192.0.2.3:25", "", works}, 0});
  EXPECT_THAT(*tell_tls_memory(tls_memory_json(page, kNow), {}),
              HasSubstr("there are more: --limit"));
  EXPECT_THAT(*story, ContainsRegex("192.0.2.1:25 +0123456789ab +3h ago +in 21h +rung 3 works"));
  EXPECT_THAT(*story, ContainsRegex("192.0.2.2:25 .* failed: reset"));
  EXPECT_THAT(*story, ContainsRegex("mx.example.com:25 +- .* has shown verified TLS"));
  EXPECT_EQ(*tell_tls_memory(tls_memory_json(TlsMemoryPage({3, {}}), kNow), {}),
            "nothing is remembered of any host's TLS\n");
}

TEST(TlsStory, SaysWhatWasForgotten) {
  EXPECT_EQ(*tell_tls_forgotten(tls_forgotten_json("mx.example.com", 2), {}),
            "2 notes about mx.example.com forgotten\n");
  EXPECT_EQ(*tell_tls_forgotten(tls_forgotten_json("mx.example.com", 0), {}),
            "nothing was remembered of the TLS of mx.example.com\n");
}

TEST(TlsStory, TellsAReport) {
  report::TlsReport report;
  report::TlsResult result{.domain = "example.com", .policy = {}, .success = true, .failure = {}};
  result.policy.type = report::TlsPolicyType::kSts;
  result.policy.strings = {"version: STSv1", "mode: enforce"};
  report.add(result);
  report.add(result);
  result.success = false;
  result.failure = {.result_type = "certificate-expired",
                    .sending_address = "192.0.2.9",
                    .receiving_host = "mx.example.com",
                    .receiving_address = "192.0.2.1",
                    .reason_code = "cert_expired"};
  report.add(result);
  const auto story = tell_tls_report(
      render_tls_report_json({"us", "us@example.org", "1", "example.com", report::report_day(kNow)},
                             report),
      {});
  ASSERT_TRUE(story);
  EXPECT_THAT(*story, HasSubstr("TLS to example.com on 2026-11-21\n"));
  EXPECT_THAT(*story, HasSubstr("\nsts\n  version: STSv1\n  mode: enforce\n"));
  EXPECT_THAT(*story, HasSubstr("2 came up, 1 failed\n"));
  EXPECT_THAT(*story, ContainsRegex("1 +certificate-expired +mx.example.com +192.0.2.1 +cert_exp"));
}

TEST(TlsStory, TakesFieldsOfOtherTypesForNothing) {
  const char* answer = R"({"now":5,"hosts":[1,{"addresses":[2,{"remembered":3}],"fields":[4]}],
    "fields":{},"profile":[],"sts":{"max_age_s":18446744073709551615},"attempt":[{}],"entries":[7],
    "policies":[{"policy":1},8],"domain":[],"mta_sts":4})";
  EXPECT_TRUE(tell_tls(answer, {}));
  EXPECT_TRUE(tell_tls_memory(answer, {}));
  EXPECT_TRUE(tell_tls_forgotten(answer, {}));
  EXPECT_TRUE(tell_tls_report(answer, {}));
  EXPECT_TRUE(tell_probe(answer, {}));
  EXPECT_FALSE(tell_tls("[]", {}));
}

}  // namespace
}  // namespace posthaste::daemon::tool
