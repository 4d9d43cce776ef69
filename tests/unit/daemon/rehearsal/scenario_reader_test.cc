#include "daemon/rehearsal/scenario_reader.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "daemon/rehearsal/climate.h"
#include "daemon/rehearsal/scenario_keys.h"
#include "daemon/rehearsal/scenario_values.h"

namespace posthaste::rehearsal {
namespace {

using namespace std::chrono_literals;

std::string file_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::vector<std::string> errors_of(std::string_view yaml) {
  std::vector<std::string> all;
  for (const auto& error : parse_scenario(yaml, "s.yaml").errors) {
    all.push_back(render_diagnostic(error));
  }
  return all;
}

std::string error_of(std::string_view yaml) {
  const auto all = errors_of(yaml);
  EXPECT_EQ(all.size(), 1U);
  return all.empty() ? "" : all.front();
}

Scenario must_parse(std::string_view yaml) {
  auto parsed = parse_scenario(yaml, "s.yaml");
  EXPECT_TRUE(parsed.scenario) << render_diagnostic(parsed.errors.front());
  return parsed.scenario ? *std::move(parsed.scenario) : Scenario{};
}

TEST(ScenarioReader, TakesADomainAloneAndGivesItAHost) {
  const Scenario scenario = must_parse("domains: [{ name: a.example }]\n");
  EXPECT_EQ(scenario.length, 7 * 24h);
  ASSERT_EQ(scenario.domains.size(), 1U);
  ASSERT_EQ(scenario.hosts.size(), 1U);
  EXPECT_EQ(scenario.hosts[0].name.text(), "mx.a.example");
  EXPECT_TRUE(scenario.hosts[0].starttls);
  EXPECT_FALSE(scenario.hosts[0].dsn);
}

TEST(ScenarioReader, MakesOneDomainOfEachNumber) {
  const Scenario scenario = must_parse(R"(
domains:
  - name: d[8-11].example
    mx: ["10 mx.d{}.example", "20 backup.example"]
)");
  ASSERT_EQ(scenario.domains.size(), 4U);
  EXPECT_EQ(scenario.groups.size(), 1U);
  EXPECT_EQ(scenario.groups[0].name, "d[8-11].example");
  EXPECT_EQ(scenario.domains[3].name.text(), "d11.example");
  ASSERT_EQ(scenario.domains[3].mx.size(), 2U);
  EXPECT_EQ(scenario.hosts[scenario.domains[3].mx[0].host].name.text(), "mx.d11.example");
  EXPECT_EQ(scenario.domains[3].mx[1].preference, 20);
  EXPECT_EQ(scenario.domains[3].mx[1].host, scenario.domains[0].mx[1].host);
}

TEST(ScenarioReader, OffersWhatIsListedAndNothingElse) {
  const Scenario scenario = must_parse(R"(
hosts: [{ name: mx.a.example, offers: [size, dsn], dane: true, addresses: 3 }]
domains: [{ name: a.example }]
)");
  const ScenarioHost& host = scenario.hosts[scenario.domains[0].mx[0].host];
  EXPECT_TRUE(host.size && host.dsn && host.dane && host.dnssec);
  EXPECT_FALSE(host.starttls || host.pipelining || host.chunking || host.eight_bit || host.utf8);
  EXPECT_EQ(host.addresses.size(), 3U);
}

// Times are those of the first day, of a named one, or since the start.
TEST(ScenarioReader, ReadsWhenAnIncidentBeginsAndEnds) {
  const Scenario scenario = must_parse(R"(
start: 2026-03-02 06:00
domains: [{ name: a.example }]
incidents:
  - { hosts: ["*"], from: "10:00", to: "16:00", starttls: dropped }
  - { hosts: ["*"], from: day 3 01:00, for: 2h, down: silent }
  - { hosts: ["*"], from: 36h, for: 90m, every: 1d, down: refused }
)");
  ASSERT_EQ(scenario.incidents.size(), 3U);
  EXPECT_EQ(scenario.incidents[0].from, 4h);
  EXPECT_EQ(scenario.incidents[0].until, 10h);
  EXPECT_EQ(scenario.incidents[1].from, 43h);
  EXPECT_EQ(scenario.incidents[1].until, 45h);
  EXPECT_EQ(scenario.incidents[2].from, 36h);
  const auto& daily = scenario.incidents[2];
  EXPECT_FALSE(daily.holds(35h));
  EXPECT_TRUE(daily.holds(36h));
  EXPECT_FALSE(daily.holds(38h));
  EXPECT_TRUE(daily.holds(61h));
  EXPECT_FALSE(daily.holds(62h));
}

TEST(ScenarioReader, SaysWhereAKeyIsWrongAndWhatWasMeant) {
  EXPECT_EQ(error_of("domains:\n  - name: a.example\n    shares: 4\n"),
            "s.yaml:3:5: error: unknown key \"shares\"; did you mean \"share\"?");
  EXPECT_EQ(error_of("lenght: 1d\ndomains: [{ name: a.example }]\n"),
            "s.yaml:1:1: error: unknown key \"lenght\"; did you mean \"length\"?");
}

TEST(ScenarioReader, SaysWhatWasExpected) {
  EXPECT_EQ(error_of("length: soon\ndomains: [{ name: a.example }]\n"),
            "s.yaml:1:9: error: \"length\": expected a duration from 1m to 60d, got \"soon\"; for "
            "example length: 7d");
  EXPECT_EQ(error_of("domains: [{ name: a.example, mta_sts: on }]\n"),
            "s.yaml:1:39: error: \"mta_sts\": expected one of none, testing, enforce, got \"on\"; "
            "for example mta_sts: none");
  EXPECT_EQ(error_of("domains: [{ name: \"d[5-2].example\" }]\n"),
            "s.yaml:1:19: error: \"name\": expected a domain, perhaps with one [FROM-TO], got "
            "\"d[5-2].example\"; for example name: d[1-200].example");
}

TEST(ScenarioReader, MissesWhatMustBeThere) {
  EXPECT_EQ(error_of("title: nothing\n"), "s.yaml:1:1: error: \"domains\" is missing here");
  EXPECT_EQ(error_of("domains: [{ share: 2 }]\n"),
            "s.yaml:1:11: error: \"name\" is missing here; for example name: d[1-200].example");
}

TEST(ScenarioReader, RefusesIncidentsThatMakeNoSense) {
  const auto incident = [](const std::string& keys) {
    return error_of("domains: [{ name: a.example }]\nincidents:\n  - { " + keys + " }\n");
  };
  const std::string at = "s.yaml:3:5: error: ";
  EXPECT_EQ(incident("hosts: [\"*\"]"), at + "nothing happens here; for example down: refused");
  EXPECT_EQ(incident("down: refused"),
            at + "\"hosts\" or \"domains\" is missing here; for example hosts: [\"*\"]");
  EXPECT_EQ(incident("hosts: [mx.b.example], down: refused"),
            at + "\"mx.b.example\" has none of the hosts");
  EXPECT_EQ(incident("hosts: [\"*\"], from: 2h, to: 1h, down: refused"),
            at + "it ends before it begins");
  EXPECT_EQ(incident("hosts: [\"*\"], from: 1h, every: 2h, down: refused"),
            at + "\"every\" needs \"to\" or \"for\"");
  EXPECT_EQ(incident("hosts: [\"*\"], to: 2h, for: 1h, down: refused"),
            at + "both \"to\" and \"for\"; one of them says when it ends");
  EXPECT_EQ(incident("hosts: [\"*\"], down: refused, probability: 0.5"),
            at + "\"at\" and \"probability\" are about \"reply\", which is missing here");
}

TEST(ScenarioReader, RefusesTheSameNameTwice) {
  EXPECT_EQ(error_of("domains: [{ name: a.example }, { name: A.example }]\n"),
            "s.yaml:1:32: error: \"a.example\" is there twice");
}

TEST(ScenarioValues, ReadDatesRangesAndReplies) {
  EXPECT_EQ(parse_date("1999-01-01"), std::nullopt);
  EXPECT_EQ(parse_date("2026-02-30"), std::nullopt);
  EXPECT_EQ(parse_date("2026-03-02 24:01"), std::nullopt);
  EXPECT_EQ(*parse_date("2026-03-02 10:30") - *parse_date("2026-03-01"), 34h + 30min);
  EXPECT_EQ(parse_range("3"), (std::pair(3U, 3U)));
  EXPECT_EQ(parse_range("1..3"), (std::pair(1U, 3U)));
  EXPECT_EQ(parse_range("3..1"), std::nullopt);
  EXPECT_EQ(parse_range("0"), std::nullopt);
  EXPECT_EQ(parse_reply("250 2.0.0 fine"), std::nullopt);
  EXPECT_EQ(parse_reply("451 4.3.0 later")->words, "4.3.0 later");
  EXPECT_EQ(parse_number("0.25", 1), 0.25);
  EXPECT_EQ(parse_number("1.5", 1), std::nullopt);
  EXPECT_EQ(parse_number("-1", 1), std::nullopt);
  EXPECT_EQ(parse_number("nan", 1), std::nullopt);
}

TEST(Climate, LetsTheLaterIncidentCountFieldByField) {
  const Scenario scenario = must_parse(R"(
domains: [{ name: a.example }, { name: b.example }]
incidents:
  - { hosts: ["*"], greylist: 5m, latency: 1s }
  - { domains: [b.example], greylist: 1h }
  - { domains: [b.example], from: 2h, dns: servfail }
)");
  const Climate climate(scenario);
  const Trouble a = climate.at_host(0, scenario.start), b = climate.at_host(1, scenario.start);
  EXPECT_EQ(a.greylist, Duration(5min));
  EXPECT_EQ(b.greylist, Duration(1h));
  EXPECT_EQ(b.latency, Duration(1s));
  EXPECT_EQ(climate.at_domain(1, scenario.start + 1h).dns, std::nullopt);
  EXPECT_EQ(climate.at_domain(1, scenario.start + 3h).dns, dns::AnswerStatus::kServFail);
  EXPECT_EQ(climate.at_domain(0, scenario.start + 3h).dns, std::nullopt);
}

TEST(Shipped, ScenariosAreWithoutErrors) {
  unsigned count = 0;
  const std::filesystem::path folder =
      std::filesystem::path(POSTHASTE_SOURCE_DIR) / "packaging" / "rehearsal";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const auto parsed = parse_scenario(file_text(entry.path()), entry.path().filename());
    for (const auto& error : parsed.errors) ADD_FAILURE() << render_diagnostic(error);
    EXPECT_TRUE(parsed.scenario && !parsed.scenario->title.empty()) << entry.path();
    ++count;
  }
  EXPECT_GE(count, 6U);
}

TEST(Shipped, DocumentationHasEveryKeyAsTheReaderKnowsIt) {
  const std::string doc =
      file_text(std::filesystem::path(POSTHASTE_SOURCE_DIR) / "docs" / "rehearsal.md");
  EXPECT_NE(doc.find(render_scenario_keys()), std::string::npos)
      << "docs/rehearsal.md should have this:\n"
      << render_scenario_keys();
}

}  // namespace
}  // namespace posthaste::rehearsal
