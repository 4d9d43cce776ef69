#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/tool/arguments.h"

namespace posthaste::daemon::tool {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<CommandSyntax>& commands() {
  static const std::vector<CommandSyntax> kCommands{
      {"queue list", "", "lists", {{"--domain", "D", "domain"}, {"--limit", "N", "limit"}}},
      {"queue show", "ID", "shows", {}},
      {"send", "", "sends", {{"--to", "B", "recipient", true}, {"--quiet", "", "says nothing"}}},
      {"config check", "[FILE]", "checks", {}},
  };
  return kCommands;
}

Result<Arguments> parse(const std::vector<std::string>& words) {
  return parse_arguments(words, commands());
}

std::string error_of(const std::vector<std::string>& words) {
  const auto parsed = parse(words);
  return parsed ? "" : parsed.error().words;
}

TEST(Arguments, FindsCommandsOfOneAndOfTwoWords) {
  EXPECT_EQ(parse({"queue", "list"})->command->name, "queue list");
  EXPECT_EQ(parse({"send"})->command->name, "send");
  const auto shown = parse({"queue", "show", "0ABC"});
  ASSERT_TRUE(shown);
  EXPECT_THAT(shown->operands, ElementsAre("0ABC"));
}

TEST(Arguments, TakesOptionsWithSpaceAndWithEqualsSign) {
  const auto parsed = parse({"queue", "list", "--domain", "a.example", "--limit=5", "--json"});
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->value("--domain"), "a.example");
  EXPECT_EQ(parsed->value("--limit"), "5");
  EXPECT_TRUE(parsed->has("--json"));
  EXPECT_FALSE(parsed->has("--socket"));
}

TEST(Arguments, TakesOptionsBeforeTheCommand) {
  const auto parsed = parse({"--socket", "/tmp/x", "queue", "--domain", "d", "list"});
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->command->name, "queue list");
  EXPECT_EQ(parsed->value("--socket"), "/tmp/x");
}

TEST(Arguments, KeepsAllValuesOfARepeatedOptionInOrder) {
  const auto parsed = parse({"send", "--to", "b@x", "--to=c@x"});
  ASSERT_TRUE(parsed);
  EXPECT_THAT(parsed->values("--to"), ElementsAre("b@x", "c@x"));
}

TEST(Arguments, TakesAValueThatLooksLikeAnOptionBehindAnEqualsSign) {
  EXPECT_EQ(parse({"queue", "list", "--domain=--json"})->value("--domain"), "--json");
}

TEST(Arguments, TreatsWhatIsBehindTwoDashesAsOperands) {
  const auto parsed = parse({"queue", "show", "--", "--json"});
  ASSERT_TRUE(parsed);
  EXPECT_THAT(parsed->operands, ElementsAre("--json"));
  EXPECT_FALSE(parsed->has("--json"));
}

TEST(Arguments, CountsOperands) {
  EXPECT_THAT(error_of({"queue", "show"}), HasSubstr("ID is missing"));
  EXPECT_THAT(error_of({"queue", "show", "1", "2"}), HasSubstr("\"2\" is too much"));
  EXPECT_TRUE(parse({"config", "check"}));
  EXPECT_TRUE(parse({"config", "check", "file"}));
  EXPECT_FALSE(parse({"config", "check", "file", "file"}));
}

TEST(Arguments, SaysWhatWasPerhapsMeant) {
  EXPECT_THAT(error_of({"queue", "list", "--doman", "x"}), HasSubstr("did you mean \"--domain\"?"));
  EXPECT_THAT(error_of({"sned"}), HasSubstr("did you mean \"send\"?"));
  EXPECT_THAT(error_of({"queue"}), HasSubstr("queue list, queue show"));
}

TEST(Arguments, RefusesOptionsOfOtherCommands) {
  EXPECT_THAT(error_of({"queue", "list", "--to", "x"}), HasSubstr("unknown option \"--to\""));
}

TEST(Arguments, RefusesMissingAndSuperfluousValues) {
  EXPECT_THAT(error_of({"queue", "list", "--domain"}), HasSubstr("needs a value: --domain D"));
  EXPECT_THAT(error_of({"send", "--quiet=yes"}), HasSubstr("takes no value"));
  EXPECT_THAT(error_of({"queue", "list", "--limit=1", "--limit=2"}), HasSubstr("given twice"));
}

TEST(Arguments, ExcusesMissingOperandsForHelp) {
  const auto parsed = parse({"queue", "show", "-h"});
  ASSERT_TRUE(parsed);
  EXPECT_TRUE(parsed->has("--help"));
  EXPECT_THAT(render_help(*parsed->command), HasSubstr("posthaste queue show ID"));
}

TEST(Arguments, HelpNamesEveryCommandAndEveryOption) {
  const std::string help = render_help(commands());
  for (const auto& command : commands()) EXPECT_THAT(help, HasSubstr(std::string(command.name)));
  for (const auto& option : common_options()) {
    EXPECT_THAT(help, HasSubstr(std::string(option.name)));
  }
}

}  // namespace
}  // namespace posthaste::daemon::tool
