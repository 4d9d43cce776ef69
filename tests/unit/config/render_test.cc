#include "config/render.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "config/load.h"
#include "config/schema.h"

namespace posthaste::config {
namespace {

using testing::HasSubstr;

std::string read_file(const std::string& path) {
  std::ifstream in(std::string(POSTHASTE_SOURCE_DIR) + "/" + path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string effective(std::string_view yaml) {
  const LoadResult result = load_config(yaml, "posthaste.yaml");
  EXPECT_TRUE(result.config) << render_diagnostic(result.errors.front());
  return result.config ? render_config(*result.config) : "";
}

TEST(RenderConfig, ShowsEveryFieldThatHasADefault) {
  const std::string shown = effective("");
  for (const Field& field : fields()) {
    if (field.fallback.empty() || field.path == "tls.profiles.inherit") continue;
    EXPECT_THAT(shown, HasSubstr(std::string(last_part(field.path)) + ":")) << field.path;
  }
}

TEST(RenderConfig, ReadsBackAsTheSameConfiguration) {
  const std::string_view files[] = {
      "",
      "hostname: a.example\nworkers: 2\nlisten: []\ndns: { servers: [127.0.0.1] }\nadmin: { http: "
      "none }\n",
      "submission: { certificate: '/a \"b\\c.pem', private_key: /ключ.pem, trusted: [] }\n",
      "delivery: { routes: [ { match: [a.example, \"*.b.example\"], hosts: "
      "[\"[2001:db8::1]:2525\", c.example] } ],\n"
      "  limits: { domains: [ { match: d.example, message_rate: 3/d } ], default: { "
      "connection_rate: 5/h } } }\n",
      "tls: { profiles: { p: { max_version: TLSv1.2 }, \"10\": { inherit: p } }, default: { level: "
      "encrypt },\n"
      "  domains: [ { match: e.example, level: may, fallback: { refused: bounce } } ] }\n",
      "tls: { mta_sts_ca_file: /r.pem, report: { enabled: true, organization: \"a: b\" },\n"
      "  domains: [ { mx: \"*.f.example\", ladder: compat, ca_file: system, dane: false } ] }\n"
      "submission: { profile: compat, client_certificates: { allow: [\"CN=a \\\"b\\\"\"] } }\n",
      "retry: { classes: { dns: { jitter: 0.05 } }, domains: [ { match: f.example, expire_after: "
      "36h } ] }\n",
      "retry: { default: { delay_notice_after: 0s }, classes: { tls: { delay_notice_after: 1h } "
      "},\n"
      "  domains: [ { match: f.example, classes: { dns: { intervals: 5s }, tls: { jitter: 0 } } } "
      "] "
      "}\n",
      "retry: { replies: { shipped: false, files: [/r.yaml], rules: [ { name: a, pattern: '\\d "
      "\"x\"', "
      "codes: [451, 4xx], fate: bounce } ] } }\n",
      "queue: { min_free_space: 12345, history: 90s }\nmetrics: { domains: [g.example, \"true\"] "
      "}\n",
  };
  for (const std::string_view yaml : files) {
    const std::string once = effective(yaml);
    EXPECT_EQ(effective(once), once) << yaml;
  }
}

TEST(RenderConfig, KeepsAFallbackThatNobodySetUnset) {
  // Written out, the default's fallback would bind the rule below it too.
  const std::string shown = effective(
      "tls: { default: { level: encrypt }, domains: [ { match: a.example, level: may } ] }");
  const LoadResult again = load_config(shown, "shown.yaml");
  ASSERT_TRUE(again.config);
  EXPECT_EQ(again.config->tls.policies.policy_for(RoutingDomain("a.example")).refused,
            policy::OnTlsFailure::kPlaintext);
  EXPECT_EQ(again.config->tls.policies.policy_for(RoutingDomain("b.example")).refused,
            policy::OnTlsFailure::kDefer);
}

TEST(ShippedFile, LoadsWithoutAnyDiagnostic) {
  const LoadResult result = load_config(read_file("config/posthaste.yaml"), "posthaste.yaml");
  ASSERT_TRUE(result.config) << render_diagnostic(result.errors.front());
  EXPECT_TRUE(result.warnings.empty()) << render_diagnostic(result.warnings.front());
  EXPECT_EQ(render_config(*result.config), effective(""))
      << "the shipped file says what the defaults are";
}

TEST(RenderReference, IsWhatTheDocumentsHave) {
  EXPECT_EQ(render_reference(), read_file("docs/configuration.md"))
      << "make it again: posthaste config reference > docs/configuration.md";
}

TEST(RenderJsonSchema, IsWhatIsShipped) {
  EXPECT_EQ(render_json_schema(), read_file("config/posthaste.schema.json"))
      << "make it again: posthaste config schema > config/posthaste.schema.json";
}

}  // namespace
}  // namespace posthaste::config
