// What an operator is told: tables of (file, the lines that come back).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "config/load.h"

namespace posthaste::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> rendered(const std::vector<Diagnostic>& diagnostics) {
  std::vector<std::string> lines;
  for (const Diagnostic& diagnostic : diagnostics) lines.push_back(render_diagnostic(diagnostic));
  return lines;
}

std::vector<std::string> errors_of(std::string_view yaml) {
  const LoadResult result = load_config(yaml, "posthaste.yaml");
  EXPECT_EQ(result.config.has_value(), result.errors.empty());
  return rendered(result.errors);
}

std::vector<std::string> warnings_of(std::string_view yaml) {
  const LoadResult result = load_config(yaml, "posthaste.yaml");
  EXPECT_TRUE(result.config) << rendered(result.errors).front();
  return rendered(result.warnings);
}

struct Row {
  std::string_view yaml;
  std::string_view error;
};

class OneError : public testing::TestWithParam<Row> {};

TEST_P(OneError, IsToldWithPlaceExpectationAndExample) {
  EXPECT_THAT(errors_of(GetParam().yaml), ElementsAre(GetParam().error)) << GetParam().yaml;
}

INSTANTIATE_TEST_SUITE_P(
    Keys, OneError,
    testing::Values(
        Row{"submission:\n  limits:\n    conections: 5\n",
            "posthaste.yaml:3:5: error: unknown key \"conections\"; did you mean \"connections\"?"},
        Row{"hostnmae: a.example\n",
            "posthaste.yaml:1:1: error: unknown key \"hostnmae\"; did you mean \"hostname\"?"},
        Row{"trusted: [127.0.0.1]\n",
            "posthaste.yaml:1:1: error: unknown key \"trusted\"; did you mean "
            "\"submission.trusted\"?"},
        Row{"queue.sync: true\n",
            "posthaste.yaml:1:1: error: unknown key \"queue.sync\"; write one section below the "
            "other, without dots"},
        Row{"dns:\n  colour: red\n",
            "posthaste.yaml:2:3: error: unknown key \"colour\"; \"dns\" may have servers"},
        Row{"retry:\n  classes:\n    graylist: { jitter: 0.2 }\n",
            "posthaste.yaml:3:5: error: unknown key \"graylist\"; did you mean \"greylist\"?"},
        Row{"queue:\n  sync: true\n  history: 1d\n  sync: false\n",
            "posthaste.yaml:4:3: error: key \"sync\" stands here for the second time; the first is "
            "in line 2"},
        Row{"listen:\n  - tls: none\n",
            "posthaste.yaml:2:5: error: \"address\" is missing here; for example address: "
            "127.0.0.1:587"},
        Row{"tls:\n  default:\n    profile: modern\n",
            "posthaste.yaml:3:5: error: \"profile\" is said otherwise in this version; say ladder: "
            "[NAME]"},
        Row{"tls:\n  domains:\n    - { match: a.example, profile: modern }\n",
            "posthaste.yaml:3:27: error: \"profile\" is said otherwise in this version; say "
            "ladder: "
            "[NAME]"},
        Row{"tls:\n  default:\n    finger_prints: x\n",
            "posthaste.yaml:3:5: error: unknown key \"finger_prints\"; did you mean "
            "\"fingerprints\"?"},
        Row{"retry: { domains: [ { match: a.example, classes: { tsl: {} } } ] }\n",
            "posthaste.yaml:1:52: error: unknown key \"tsl\"; did you mean \"tls\"?"},
        Row{"submission: { auth: on }\n",
            "posthaste.yaml:1:15: error: \"auth\" is known, but not in this version yet; take it "
            "out"}));

INSTANTIATE_TEST_SUITE_P(
    Values, OneError,
    testing::Values(
        Row{"delivery:\n  timeouts:\n    connect: banana\n",
            "posthaste.yaml:3:14: error: \"delivery.timeouts.connect\": expected a duration from "
            "10ms to 1d, got "
            "\"banana\"; for example connect: 30s"},
        Row{"delivery:\n  timeouts: { idle: 2d }\n",
            "posthaste.yaml:2:21: error: \"delivery.timeouts.idle\": expected a duration from 10ms "
            "to 1d, got \"2d\"; "
            "for example idle: 5s"},
        Row{"delivery: { port: 70000 }\n",
            "posthaste.yaml:1:19: error: \"delivery.port\": expected a whole number from 1 to "
            "65535, got \"70000\"; for "
            "example port: 25"},
        Row{"delivery: { port: }\n",
            "posthaste.yaml:1:19: error: \"delivery.port\": expected a whole number from 1 to "
            "65535, got nothing; for "
            "example port: 25"},
        Row{"retry: { default: { delay_notice_after: nevre } }\n",
            "posthaste.yaml:1:41: error: \"retry.default.delay_notice_after\": expected never or a "
            "duration from 0s to 365d, got \"nevre\"; for example delay_notice_after: 4h"},
        Row{"workers: many\n",
            "posthaste.yaml:1:10: error: \"workers\": expected a whole number or auto from 1 to "
            "255, got \"many\"; for "
            "example workers: 4"},
        Row{"log: { level: inof }\n",
            "posthaste.yaml:1:15: error: \"log.level\": expected one of debug, info, warning, "
            "error, got \"inof\"; did "
            "you mean \"info\"?"},
        Row{"data_dir: var/lib\n",
            "posthaste.yaml:1:11: error: \"data_dir\": expected an absolute path, got \"var/lib\"; "
            "for example data_dir: "
            "/var/lib/posthaste"},
        Row{"queue: { sync: yes }\n",
            "posthaste.yaml:1:16: error: \"queue.sync\": expected true or false, got \"yes\"; for "
            "example sync: true"},
        Row{"queue:\n  - sync\n",
            "posthaste.yaml:2:3: error: \"queue\": expected a section of keys, got a list"},
        Row{"submission: { trusted: 127.0.0.1 }\n",
            "posthaste.yaml:1:24: error: \"submission.trusted\": expected a list, each item an IP "
            "address or a network "
            "without host bits, got a single value; for example trusted: [127.0.0.0/8, "
            "10.1.0.0/16]"},
        Row{"submission: { trusted: [10.1.2.3/8] }\n",
            "posthaste.yaml:1:25: error: \"submission.trusted\": expected an IP address or a "
            "network without host bits, "
            "got \"10.1.2.3/8\"; for example trusted: [127.0.0.0/8, 10.1.0.0/16]"},
        Row{"listen: [127.0.0.1:587]\n",
            "posthaste.yaml:1:10: error: \"listen\": expected a section of keys as item, got a "
            "single value; for example "
            "listen: [{address: 127.0.0.1:587, tls: none}]"},
        Row{"retry: { default: { intervals: [] } }\n",
            "posthaste.yaml:1:32: error: \"retry.default.intervals\" is empty; expected a duration "
            "from 1s to 30d, or a "
            "list of them; for example intervals: [1m, 5m, 15m, 30m, 1h, 2h, 4h]"},
        Row{"tls: { default: { level: dane-olny } }\n",
            "posthaste.yaml:1:26: error: \"tls.default.level\": expected one of none, may, dane, "
            "encrypt, dane-only, fingerprint, verify, secure, got \"dane-olny\"; did you mean "
            "\"dane-only\"?"},
        Row{"tls: { default: { level: fingerprint, fingerprints: \"sha1:abcd\" } }\n",
            "posthaste.yaml:1:53: error: \"tls.default.fingerprints\": expected sha256: and 64 "
            "hexadecimal digits, got \"sha1:abcd\"; for example fingerprints: "
            "[\"sha256:abababababababababababababababababababababababababababababababab\"]"},
        Row{"tls: { default: { ladder: [] } }\n",
            "posthaste.yaml:1:27: error: \"tls.default.ladder\" is empty; expected the name of a "
            "profile, or a list of them; for example ladder: [modern, reduced]"},
        Row{"tls: { report: { from: postmaster } }\n",
            "posthaste.yaml:1:24: error: \"tls.report.from\": expected a mail address in ASCII, "
            "got "
            "\"postmaster\"; for example from: postmaster@mta1.example.com"},
        Row{"retry: { default: { jitter: 0.9 } }\n",
            "posthaste.yaml:1:29: error: \"retry.default.jitter\": expected a number from 0 to "
            "0.5, got \"0.9\"; for "
            "example jitter: 0.1"},
        Row{"- a\n- b\n",
            "posthaste.yaml:1:1: error: expected a section of keys, got a list; for example "
            "hostname: mta1.example.com"}));

INSTANTIATE_TEST_SUITE_P(
    BetweenFields, OneError,
    testing::Values(
        Row{"listen:\n  - { address: 127.0.0.1:587, tls: starttls }\n",
            "posthaste.yaml:2:36: error: tls: starttls needs submission.certificate and "
            "submission.private_key; for "
            "example certificate: /etc/posthaste/tls/cert.pem"},
        Row{"submission:\n  certificate: /a.pem\n",
            "posthaste.yaml:2:16: error: \"submission.certificate\" needs "
            "\"submission.private_key\" with it"},
        Row{"listen:\n  - address: 127.0.0.1:587\n  - address: 127.0.0.1:587\n",
            "posthaste.yaml:3:14: error: 127.0.0.1:587 is listened on twice; the first time in "
            "line 2"},
        Row{"tls:\n  domains:\n    - { match: a.example, ladder: modrn }\n",
            "posthaste.yaml:3:35: error: no profile is named \"modrn\"; did you mean \"modern\"?"},
        Row{"tls:\n  profiles:\n    a: { inherit: nobody }\n",
            "posthaste.yaml:3:19: error: no profile is named \"nobody\""},
        Row{"tls:\n  default: { ladder: [modern, comapt] }\n",
            "posthaste.yaml:2:31: error: no profile is named \"comapt\"; did you mean \"compat\"?"},
        Row{"submission: { profile: mdoern }\n",
            "posthaste.yaml:1:24: error: no profile is named \"mdoern\"; did you mean \"modern\"?"},
        Row{"tls: { profiles: { a: { min_version: TLSv1.3, max_version: TLSv1.2 } } }\n",
            "posthaste.yaml:1:23: error: profile \"a\": min_version TLSv1.3 is above max_version "
            "TLSv1.2"},
        Row{"tls:\n  default:\n    level: encrypt\n    fallback: { refused: plaintext }\n",
            "posthaste.yaml:4:26: error: fallback.refused: plaintext contradicts level: encrypt; "
            "say defer or bounce, or "
            "level: may"},
        Row{"tls:\n  domains:\n    - match: a.example\n      level: encrypt\n      fallback:\n     "
            "   handshake: plaintext\n",
            "posthaste.yaml:6:20: error: fallback.handshake: plaintext contradicts level: encrypt; "
            "say defer or bounce, "
            "or level: may"},
        Row{"tls:\n  default:\n    connect: implicit\n",
            "posthaste.yaml:3:14: error: implicit TLS needs a port of its own; for example port: "
            "465"},
        Row{"tls:\n  default: { level: none, connect: implicit, port: 465 }\n",
            "posthaste.yaml:2:36: error: connect: implicit TLS contradicts level: none; say "
            "connect: "
            "starttls, or another level"},
        Row{"tls:\n  domains:\n    - level: encrypt\n",
            "posthaste.yaml:3:7: error: \"match\" or \"mx\" is missing here; for example match: "
            "example.com"},
        Row{"tls:\n  domains:\n    - mx: \"*.a.example\"\n      match: a.example\n",
            "posthaste.yaml:3:11: error: \"match\" and \"mx\" in one rule; make two of it"},
        Row{"tls:\n  domains:\n    - mx: \"*.a.example\"\n      level: verify\n"
            "    - match: b.example\n      fallback: { handshake: plaintext }\n",
            "posthaste.yaml:6:30: error: fallback.handshake: plaintext contradicts level: verify "
            "of "
            "posthaste.yaml:3; say defer or bounce, or level: may"},
        Row{"tls:\n  domains:\n    - match: a.example\n      level: fingerprint\n",
            "posthaste.yaml:4:14: error: level: fingerprint needs fingerprints: of the public keys "
            "that are believed"},
        Row{"tls:\n  domains:\n    - match: a.example\n      client_certificate: /a.pem\n",
            "posthaste.yaml:4:27: error: client_certificate: it needs its client_private_key "
            "beside "
            "it"},
        Row{"submission:\n  certificate: /a\n  private_key: /b\n  client_certificates: { mode: "
            "required }\nlisten: [{ address: 127.0.0.1:587, tls: starttls }]\n",
            "posthaste.yaml:4:32: error: mode: required needs ca_file: who issues them; for "
            "example "
            "ca_file: /etc/posthaste/tls/clients.pem"}));

INSTANTIATE_TEST_SUITE_P(
    Yaml, OneError,
    testing::Values(
        Row{"queue:\n\tsync: true\n",
            "posthaste.yaml:2:1: error: a tab in the indentation; YAML wants spaces"},
        Row{"hostname: \xff\xfe\n",
            "posthaste.yaml:1:11: error: octet 0xff is not UTF-8; save the file as UTF-8"},
        Row{std::string_view("workers: 1\0\n", 12),
            "posthaste.yaml:1:11: error: a control character (0x00); a configuration is plain "
            "text"},
        Row{"queue: &q { sync: true }\n",
            "posthaste.yaml:1:8: error: anchors (&name) are not supported; write the value out"},
        Row{"workers: !!int 4\n", "posthaste.yaml:1:10: error: tags (!name) are not supported"},
        Row{"workers: 4\n---\nworkers: 5\n",
            "posthaste.yaml: error: a second YAML document (---); one is expected"},
        Row{"tls: { domains: [ { match: *.example.com } ] }\n",
            "posthaste.yaml:1:28: error: not YAML: the referenced anchor is not defined; a value "
            "that begins "
            "with * needs quotes"},
        Row{"hostname: a: b\n",
            "posthaste.yaml:1:12: error: not YAML: illegal map value; a value with \": \" in it "
            "needs quotes"}));

TEST(ConfigDiagnostics, AllErrorsOfAFileAreToldAtOnceInItsOrder) {
  EXPECT_THAT(errors_of("log: { level: loud }\n"
                        "listen:\n"
                        "  - { address: 127.0.0.1:587, tls: implicit }\n"
                        "quueue: {}\n"
                        "delivery: { port: zero }\n"),
              ElementsAre(HasSubstr(":1:15: error: \"log.level\""),
                          HasSubstr(":3:36: error: tls: implicit needs"),
                          HasSubstr(":4:1: error: unknown key \"quueue\""),
                          HasSubstr(":5:19: error: \"delivery.port\"")));
}

TEST(ConfigDiagnostics, AThousandErrorsAreToldAsFifty) {
  std::string yaml = "submission:\n  trusted:\n";
  for (int i = 0; i < 1000; ++i) yaml += "    - nowhere\n";
  const std::vector<std::string> errors = errors_of(yaml);
  ASSERT_EQ(errors.size(), 50U);
  EXPECT_EQ(errors.back(), "posthaste.yaml: error: and more errors; these come first");
}

TEST(ConfigDiagnostics, AFileOfTwoMegabytesIsNotReadAtAll) {
  EXPECT_THAT(errors_of(std::string(2U << 20, '#')),
              ElementsAre(HasSubstr("at most 1048576 are read")));
}

TEST(ConfigDiagnostics, NestingIsBoundedLongBeforeTheStackEnds) {
  EXPECT_FALSE(errors_of(std::string(100, '[') + std::string(100, ']')).empty());
  EXPECT_FALSE(errors_of(std::string(200000, '[')).empty());
  EXPECT_FALSE(errors_of(std::string(200000, '{')).empty());
}

TEST(ConfigDiagnostics, AProfileThatInheritsItselfIsFound) {
  EXPECT_THAT(errors_of("tls:\n  profiles:\n    a: { inherit: b }\n    b: { inherit: a }\n"),
              ElementsAre("posthaste.yaml:3:19: error: profile \"a\" inherits itself",
                          "posthaste.yaml:4:19: error: profile \"b\" inherits itself"));
}

TEST(ConfigDiagnostics, AliasBombsAreRefusedWithoutBeingExpanded) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 30; ++i) {
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 9; ++j) bomb += (j == 0 ? "*a" : ", *a") + std::to_string(i - 1);
    bomb += "]\n";
  }
  EXPECT_THAT(errors_of(bomb), testing::Contains(HasSubstr("aliases (*name) are not supported")));
}

TEST(ConfigDiagnostics, WhatIsRightButSeldomMeantIsAWarning) {
  EXPECT_THAT(
      warnings_of("listen:\n  - address: 192.0.2.1:587\n"),
      ElementsAre(
          "posthaste.yaml:2:5: warning: 192.0.2.1:587 takes mail from the network in clear text; "
          "consider tls: starttls"));
  EXPECT_THAT(warnings_of("submission: { trusted: [0.0.0.0/0] }\n"),
              ElementsAre(HasSubstr("trusts every address")));
  EXPECT_THAT(warnings_of("queue: { sync: false }\n"),
              ElementsAre(HasSubstr("a power cut still loses")));
  EXPECT_THAT(warnings_of("admin: { http: \"192.0.2.1:9587\" }\n"),
              ElementsAre(HasSubstr("no password")));
  EXPECT_THAT(warnings_of("tls: { profiles: { old: { min_version: TLSv1 } } }\n"),
              ElementsAre(HasSubstr("TLSv1 needs security_level 0")));
}

TEST(ConfigDiagnostics, TlsWordsThatCountForNothingAreWarnings) {
  const std::string pin = "\"sha256:" + std::string(64, 'a') + "\"";
  EXPECT_THAT(warnings_of("tls: { default: { level: secure, fingerprints: " + pin + " } }\n"),
              ElementsAre(HasSubstr(":1:48: warning: fingerprints count for nothing with level: "
                                    "secure")));
  EXPECT_THAT(warnings_of("tls: { default: { level: encrypt, match_names: hostname } }\n"),
              ElementsAre(HasSubstr("match_names count for nothing with level: encrypt")));
  EXPECT_THAT(warnings_of("submission: { client_certificates: { allow: [a.example] } }\n"),
              ElementsAre(HasSubstr("allow counts for nothing with mode: ignore")));
  EXPECT_THAT(warnings_of("submission: { client_certificates: { mode: optional, ca_file: /a } }\n"),
              ElementsAre(HasSubstr("no listener speaks TLS")));
}

TEST(ConfigDiagnostics, DaneWantsResolversOfThisMachine) {
  const std::string far = "dns: { servers: [127.0.0.1, 192.0.2.53] }\n";
  for (const char* field : {"level: dane", "level: dane-only", "dane: true"}) {
    const std::string tls = "tls: { default: { " + std::string(field) + " } }\n";
    EXPECT_THAT(warnings_of(far + tls), ElementsAre(HasSubstr("dns.servers has 192.0.2.53:53")));
    EXPECT_THAT(warnings_of("dns: { servers: [\"[::1]:53\"] }\n" + tls), testing::IsEmpty());
    EXPECT_THAT(warnings_of(tls), testing::IsEmpty()) << "resolv.conf is not ours to read here";
  }
  EXPECT_THAT(warnings_of(far), testing::IsEmpty());
}

TEST(ConfigDiagnostics, AHostileValueCannotForgeALineOfOutput) {
  const std::vector<std::string> errors = errors_of("\"a\\nposthaste.yaml:1:1: fine\": 1\n");
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors.front().find('\n'), std::string::npos);
}

}  // namespace
}  // namespace posthaste::config
