#include "daemon/rehearsal/keyed_section.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "config/nearest.h"
#include "daemon/rehearsal/scenario_keys.h"
#include "lib/base/check.h"

namespace posthaste::rehearsal {

using config::Node;

KeyedSection::KeyedSection(const Node& node, std::string_view section, config::Findings& findings)
    : node_(node), section_(section), findings_(findings) {
  if (node.kind != Node::Kind::kMap) {
    if (node.kind != Node::Kind::kNull) findings.error(node, "expected a section of keys");
    return;
  }
  std::vector<std::string_view> known;
  for (const ScenarioKey& key : scenario_keys()) {
    if (key.section != section) continue;
    known.push_back(key.name);
    if (key.required && node.find(key.name) == nullptr) {
      error(fmt::format("\"{}\" is missing here{}{}{}", key.name,
                        key.example.empty() ? "" : "; for example ",
                        key.example.empty() ? "" : fmt::format("{}: ", key.name), key.example));
    }
  }
  for (const Node::Entry& entry : node.entries) {
    if (find_scenario_key(section, entry.key) != nullptr) continue;
    const auto meant = config::nearest(entry.key, known);
    findings.error(entry,
                   fmt::format("unknown key {}; {}", config::quoted(entry.key),
                               meant ? fmt::format("did you mean \"{}\"?", *meant)
                                     : fmt::format("there may be {}", fmt::join(known, ", "))));
  }
}

const Node* KeyedSection::find(std::string_view key) const {
  CHECK(find_scenario_key(section_, key) != nullptr);
  const Node* node = node_.find(key);
  return node == nullptr || node->kind == Node::Kind::kNull ? nullptr : node;
}

std::vector<const Node*> KeyedSection::scalars(std::string_view key) const {
  const Node* node = find(key);
  if (node == nullptr) return {};
  if (node->kind == Node::Kind::kScalar) return {node};
  std::vector<const Node*> found;
  if (node->kind == Node::Kind::kMap) complain(key, *node);
  for (const Node& item : node->items) {
    if (item.kind == Node::Kind::kScalar) {
      found.push_back(&item);
    } else {
      complain(key, item);
    }
  }
  return found;
}

std::vector<const Node*> KeyedSection::sections(std::string_view key) const {
  const Node* node = find(key);
  if (node == nullptr) return {};
  if (node->kind != Node::Kind::kList) {
    complain(key, *node);
    return {};
  }
  std::vector<const Node*> found;
  for (const Node& item : node->items) found.push_back(&item);
  return found;
}

void KeyedSection::complain(std::string_view key, const Node& node) const {
  const ScenarioKey& known = *find_scenario_key(section_, key);
  const std::string got =
      node.kind == Node::Kind::kScalar ? fmt::format(", got {}", config::quoted(node.text)) : "";
  const std::string example =
      known.example.empty() ? "" : fmt::format("; for example {}: {}", key, known.example);
  findings_.error(node, fmt::format("\"{}\": expected {}{}{}", key, known.expected, got, example));
}

void KeyedSection::error(std::string words) const { findings_.error(node_, std::move(words)); }

}  // namespace posthaste::rehearsal
