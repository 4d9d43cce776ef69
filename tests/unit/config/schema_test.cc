// The table must be true in itself, as everything else comes from it.
#include "config/schema.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "config/findings.h"
#include "config/nearest.h"
#include "config/node.h"
#include "config/schema_table.h"
#include "config/validate.h"

namespace posthaste::config {
namespace {

bool is_scalar(const Field& field) {
  return field.shape == Shape::kValue || field.shape == Shape::kValues ||
         field.shape == Shape::kOneOrMore;
}

// "submission.limits.recipients" with value 5 -> the file that has just that.
std::string file_with(const Field& field, std::string_view value) {
  std::string yaml = std::string(value);
  std::string_view path = field.path;
  while (!path.empty()) {
    const std::size_t dot = path.rfind('.');
    const std::string_view parent = dot == std::string_view::npos ? "" : path.substr(0, dot);
    std::string map = "{" + std::string(last_part(path)) + ": " + yaml;
    for (const Field* sibling : fields_below(parent)) {
      if (sibling->required && sibling->path != path) {
        map += ", " + std::string(last_part(sibling->path)) + ": " + std::string(sibling->example);
      }
    }
    map += "}";
    const Field* section = find_field(parent);
    if (section != nullptr && section->shape == Shape::kSections) map = "[" + map + "]";
    if (section != nullptr && section->shape == Shape::kNamed) {
      map = "{" + (choices(*section).empty() ? "name" : std::string(choices(*section).front())) +
            ": " + map + "}";
    }
    yaml = map;
    path = parent;
  }
  return yaml;
}

bool is_valid(const std::string& yaml) {
  Findings findings("table");
  const Node root = parse_yaml(yaml, findings);
  validate(root, findings);
  for (const Diagnostic& error : findings.take_errors()) {
    ADD_FAILURE() << yaml << "\n" << render_diagnostic(error);
    return false;
  }
  return true;
}

TEST(ConfigSchema, EveryRowHasASectionAboveItAndAnExampleAndWords) {
  std::set<std::string_view> seen;
  for (const Field& field : fields()) {
    EXPECT_TRUE(seen.insert(field.path).second) << field.path << " stands twice";
    const std::size_t dot = field.path.rfind('.');
    if (dot != std::string_view::npos) {
      EXPECT_TRUE(seen.contains(field.path.substr(0, dot)))
          << field.path << " has no section above it";
    }
    EXPECT_FALSE(field.doc.empty()) << field.path;
    EXPECT_EQ(is_scalar(field), field.kind != Kind::kNothing) << field.path;
    EXPECT_EQ(field.example.empty(), field.shape == Shape::kSection) << field.path;
  }
}

TEST(ConfigSchema, EveryExampleAndEveryDefaultIsARightValue) {
  for (const Field& field : fields()) {
    EXPECT_TRUE(field.example.empty() || is_valid(file_with(field, field.example)));
    EXPECT_TRUE(field.fallback.empty() || is_valid(file_with(field, field.fallback)));
  }
}

TEST(ConfigSchema, EveryLaterOrOldKeyStandsInASectionThatExistsAndIsNoField) {
  std::vector<std::string_view> keys(table_of_later_keys().begin(), table_of_later_keys().end());
  for (const OldKey& row : table_of_old_keys()) keys.push_back(row.path);
  for (const std::string_view key : keys) {
    EXPECT_EQ(find_field(key), nullptr) << key;
    EXPECT_NE(find_field(key.substr(0, key.rfind('.'))), nullptr) << key;
  }
}

TEST(ConfigSchema, WhatTheDefaultHasARuleHasToo) {
  for (const Field* field : fields_below("tls.default")) {
    const std::string twin = "tls.domains." + std::string(last_part(field->path));
    ASSERT_NE(find_field(twin), nullptr) << twin;
    EXPECT_EQ(find_field(twin)->range, field->range) << twin;
    EXPECT_EQ(find_field(twin)->kind, field->kind) << twin;
    EXPECT_TRUE(find_field(twin)->fallback.empty()) << twin;
  }
}

TEST(ConfigSchema, TheNearestWordIsASlipAwayAndNoFurther) {
  const std::vector<std::string_view> known{"connections", "recipients", "message_rate", "port"};
  EXPECT_EQ(nearest("conections", known), "connections");
  EXPECT_EQ(nearest("recipeints", known), "recipients");
  EXPECT_EQ(nearest("prot", known), "port");
  EXPECT_EQ(nearest("ports", known), "port");
  EXPECT_EQ(nearest("part", known), "port");
  EXPECT_EQ(nearest("pint", known), std::nullopt);
  EXPECT_EQ(nearest("", known), std::nullopt);
  EXPECT_EQ(nearest(std::string(10000, 'a'), known), std::nullopt);
}

}  // namespace
}  // namespace posthaste::config
