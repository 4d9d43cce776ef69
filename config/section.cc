#include "config/section.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/schema.h"
#include "lib/base/check.h"

namespace posthaste::config {
namespace {

const Field& field_at(std::string_view path) {
  const Field* field = find_field(path);
  CHECK(field != nullptr);
  return *field;
}

// A default as the table has it is YAML too.
Node parse_fallback(std::string_view fallback) {
  if (fallback.empty()) return {};
  Findings findings("the table of fields");
  Node node = parse_yaml(fallback, findings);
  CHECK(!findings.has_errors());
  return node;
}

std::vector<std::string> texts_of(const Node& node) {
  if (node.kind == Node::Kind::kScalar) return {node.text};
  std::vector<std::string> texts;
  for (const Node& item : node.items) {
    if (item.kind == Node::Kind::kScalar) texts.push_back(item.text);
  }
  return texts;
}

}  // namespace

Section::Section(const Node* map, std::string path, std::shared_ptr<const Node> owned)
    : map_(map), path_(std::move(path)), owned_(std::move(owned)) {
  if (map_ == nullptr) return;
  line = map_->line;
  column = map_->column;
}

std::vector<Section> Section::items_of(const Node& root, const std::string& path) {
  std::vector<Section> items;
  for (const Node& item : root.items) items.push_back(Section(&item, path));
  return items;
}

std::string Section::path_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

const Node* Section::given(std::string_view key) const {
  CHECK(find_field(path_of(key)) != nullptr);
  const Node* node = map_;
  while (node != nullptr && !key.empty()) {
    const std::string_view part = key.substr(0, key.find('.'));
    key.remove_prefix(std::min(part.size() + 1, key.size()));
    node = node->find(part);
  }
  return node != nullptr && node->kind == Node::Kind::kNull ? nullptr : node;
}

std::optional<std::string> Section::given_text(std::string_view key) const {
  const Node* node = given(key);
  return node != nullptr && node->kind == Node::Kind::kScalar ? std::optional(node->text)
                                                              : std::nullopt;
}

std::optional<std::string> Section::text(std::string_view key) const {
  if (auto text = given_text(key)) return text;
  const Field& field = field_at(path_of(key));
  return field.fallback.empty() ? std::nullopt : std::optional<std::string>(field.fallback);
}

std::vector<std::string> Section::texts(std::string_view key) const {
  const Node* node = given(key);
  return node != nullptr ? texts_of(*node)
                         : texts_of(parse_fallback(field_at(path_of(key)).fallback));
}

Section Section::section(std::string_view key) const { return Section(given(key), path_of(key)); }

std::vector<Section> Section::sections(std::string_view key) const {
  std::shared_ptr<const Node> fallback;
  const Node* list = given(key);
  if (list == nullptr) {
    fallback = std::make_shared<const Node>(parse_fallback(field_at(path_of(key)).fallback));
    list = fallback.get();
  }
  std::vector<Section> sections;
  for (const Node& item : list->items) sections.push_back(Section(&item, path_of(key), fallback));
  return sections;
}

std::vector<std::pair<const Node::Entry*, Section>> Section::named(std::string_view key) const {
  std::vector<std::pair<const Node::Entry*, Section>> named;
  const Node* map = given(key);
  if (map == nullptr) return named;
  for (const Node::Entry& entry : map->entries)
    named.emplace_back(&entry, Section(&entry.value, path_of(key)));
  return named;
}

}  // namespace posthaste::config
