// The rules that come with Posthaste, with the real patterns, held against replies of the real
// world.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "config/reply_rules.h"
#include "lib/pattern/pattern_set.h"
#include "lib/smtp/reply_parser.h"

namespace posthaste::pattern {
namespace {

policy::ReplyRules shipped_rules() {
  const config::RulesResult file =
      config::load_reply_rules(config::shipped_reply_rules(), "shipped");
  for (const auto& error : file.errors) ADD_FAILURE() << render_diagnostic(error);
  std::vector<policy::ReplyRule> rules;
  std::vector<std::string> patterns;
  for (const auto& placed : file.rules) {
    rules.push_back(placed.rule);
    if (!placed.rule.pattern.empty()) patterns.push_back(placed.rule.pattern);
  }
  auto set = compile_patterns(patterns);
  EXPECT_TRUE(set) << patterns.at(set.error().place) << ": " << set.error().words;
  return {std::move(rules), set ? std::move(*set) : nullptr};
}

// A row of tests/golden/replies.tsv: what is expected, and a reply as it comes, "\n" for its line
// ends.
struct Row {
  std::string rule, retry_class, fate, slow_down, text;
};

std::vector<Row> rows() {
  std::ifstream in(POSTHASTE_SOURCE_DIR "/tests/golden/replies.tsv");
  std::vector<Row> rows;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line.front() == '#') continue;
    std::vector<std::string> cells(1);
    for (const char c : line) {
      if (c == '\t') {
        cells.emplace_back();
      } else {
        cells.back() += c;
      }
    }
    EXPECT_EQ(cells.size(), 5U) << line;
    cells.resize(5);
    rows.push_back({cells[0], cells[1], cells[2], cells[3], cells[4]});
  }
  return rows;
}

smtp::Reply reply_of(std::string text) {
  for (std::size_t at = 0; (at = text.find("\\n", at)) != std::string::npos; at += 2) {
    text.replace(at, 2, "\r\n");
  }
  text += "\r\n";
  smtp::ReplyParser parser;
  std::string_view rest = text;
  smtp::Reply reply;
  EXPECT_EQ(parser.parse(rest, reply), smtp::ReplyParser::Status::kReply) << text;
  EXPECT_TRUE(rest.empty()) << text;
  return reply;
}

policy::RefusalMeaning meaning_of(const policy::ReplyRules& rules, const smtp::Reply& reply) {
  return rules.meaning_of({.code = reply.code,
                           .subject = reply.enhanced.subject,
                           .detail = reply.enhanced.detail,
                           .text = reply.text,
                           .host = "mx.a.example",
                           .stage = "rcpt"});
}

std::string words_of(const policy::RefusalMeaning& meaning) {
  std::string words(meaning.rule.empty() ? "-" : meaning.rule);
  words += " ";
  words += name(meaning.retry_class);
  words += " ";
  words += name(meaning.fate);
  words += meaning.slow_down ? " slow_down" : " -";
  return words;
}

TEST(ShippedRules, SayOfRealRepliesWhatPeopleWouldSay) {
  const policy::ReplyRules rules = shipped_rules();
  const std::vector<Row> table = rows();
  EXPECT_GE(table.size(), 80U);
  for (const Row& row : table) {
    EXPECT_EQ(words_of(meaning_of(rules, reply_of(row.text))),
              row.rule + " " + row.retry_class + " " + row.fate + " " + row.slow_down)
        << row.text;
  }
}

TEST(ShippedRules, EachHasAReplyThatItSpeaksFor) {
  std::set<std::string> spoken;
  for (const Row& row : rows()) spoken.insert(row.rule);
  const policy::ReplyRules rules = shipped_rules();
  for (const policy::ReplyRule& rule : rules.rules()) {
    EXPECT_TRUE(spoken.contains(rule.name))
        << rule.name << " has no row in tests/golden/replies.tsv";
    EXPECT_FALSE(rule.about.empty()) << rule.name << " does not say whose words these are";
  }
}

TEST(ShippedRules, MakeNoTemporaryRefusalPermanent) {
  const policy::ReplyRules rules = shipped_rules();
  for (const policy::ReplyRule& rule : rules.rules()) {
    EXPECT_NE(rule.fate, policy::RefusalMeaning::Fate::kBounce) << rule.name;
  }
}

}  // namespace
}  // namespace posthaste::pattern
