#include "config/validate.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "config/nearest.h"
#include "config/schema.h"
#include "lib/base/check.h"

namespace posthaste::config {
namespace {

std::string join_path(std::string_view path, std::string_view key) {
  return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

std::string_view kind_words(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::kNull: return "nothing";
    case Node::Kind::kScalar: return "a single value";
    case Node::Kind::kList: return "a list";
    case Node::Kind::kMap: return "a section of keys";
  }
  return "";
}

// "a duration from 10ms to 1d", "one of none, may, encrypt"
std::string scalar_words(const Field& field) {
  if (field.kind == Kind::kChoice) return fmt::format("one of {}", fmt::join(choices(field), ", "));
  const std::size_t dots = field.range.find("..");
  if (dots == std::string_view::npos) return std::string(words(field.kind));
  return fmt::format("{} from {} to {}", words(field.kind), field.range.substr(0, dots),
                     field.range.substr(dots + 2));
}

std::string expected_words(const Field& field) {
  switch (field.shape) {
    case Shape::kSection: return "a section of keys";
    case Shape::kSections: return "a list of sections";
    case Shape::kNamed: return "a section of names, each with a section of keys";
    case Shape::kValue: return scalar_words(field);
    case Shape::kValues: return fmt::format("a list, each item {}", scalar_words(field));
    case Shape::kOneOrMore: return fmt::format("{}, or a list of them", scalar_words(field));
  }
  return "";
}

class Validator {
 public:
  explicit Validator(Findings& findings) : findings_(findings) {}

  void check_map(const Node& map, std::string_view path) {
    for (const Node::Entry& entry : map.entries) {
      const std::string child = join_path(path, entry.key);
      // "queue.sync: true" is one key with a dot in it, and no path.
      const bool is_path = entry.key.find('.') != std::string::npos;
      if (const Field* field = is_path ? nullptr : find_field(child)) {
        check_field(entry.value, *field);
      } else {
        complain_of_key(entry, path, child);
      }
    }
    for (const Field* field : fields_below(path)) {
      if (!field->required || map.find(last_part(field->path)) != nullptr) continue;
      findings_.error(
          map, fmt::format("\"{}\" is missing here; for example {}: {}", last_part(field->path),
                           last_part(field->path), field->example));
    }
  }

  void check_field(const Node& node, const Field& field) {
    // A section or list whose content is all commented out counts as absent.
    const bool may_be_empty = field.shape != Shape::kValue && field.shape != Shape::kOneOrMore;
    if (node.kind == Node::Kind::kNull && may_be_empty) return;
    switch (field.shape) {
      case Shape::kSection:
        if (is(node, Node::Kind::kMap, field)) check_map(node, field.path);
        return;
      case Shape::kNamed:
        if (is(node, Node::Kind::kMap, field)) check_names(node, field);
        return;
      case Shape::kSections:
        if (is(node, Node::Kind::kList, field)) check_sections(node, field);
        return;
      case Shape::kValue:
        if (is(node, Node::Kind::kScalar, field)) check_scalar(node, field);
        return;
      case Shape::kValues:
        if (is(node, Node::Kind::kList, field)) check_items(node, field);
        return;
      case Shape::kOneOrMore: check_one_or_more(node, field); return;
    }
  }

 private:
  bool is(const Node& node, Node::Kind kind, const Field& field) {
    if (node.kind == kind) return true;
    std::string words = fmt::format("\"{}\": expected {}, got {}", field.path,
                                    expected_words(field), kind_words(node.kind));
    if (!field.example.empty())
      words += fmt::format("; for example {}: {}", last_part(field.path), field.example);
    findings_.error(node, std::move(words));
    return false;
  }

  void check_sections(const Node& list, const Field& field) {
    for (const Node& item : list.items) {
      if (item.kind == Node::Kind::kMap) {
        check_map(item, field.path);
      } else {
        findings_.error(
            item,
            fmt::format("\"{}\": expected a section of keys as item, got {}; for example {}: {}",
                        field.path, kind_words(item.kind), last_part(field.path), field.example));
      }
    }
  }

  void check_names(const Node& map, const Field& field) {
    const std::vector<std::string_view> names = choices(field);
    const Field any_name{.path = field.path, .kind = Kind::kProfileName};
    for (const Node::Entry& entry : map.entries) {
      const bool known = names.empty()
                             ? accepts(any_name, entry.key)
                             : std::find(names.begin(), names.end(), entry.key) != names.end();
      if (!known && names.empty()) {
        findings_.error(entry, fmt::format("{} is no name; expected letters, digits, - and _",
                                           quoted(entry.key)));
      } else if (!known) {
        findings_.error(entry, unknown_key_words(entry.key, field.path, names));
      }
      if (entry.value.kind == Node::Kind::kMap) {
        check_map(entry.value, field.path);
      } else if (entry.value.kind != Node::Kind::kNull) {
        findings_.error(entry.value,
                        fmt::format("{}: expected a section of keys, got {}; for example {}: {}",
                                    quoted(entry.key), kind_words(entry.value.kind),
                                    last_part(field.path), field.example));
      }
    }
  }

  void check_items(const Node& list, const Field& field) {
    for (const Node& item : list.items) {
      if (item.kind == Node::Kind::kScalar) {
        check_scalar(item, field);
      } else {
        findings_.error(item, fmt::format("\"{}\": expected {} as item, got {}; for example {}: {}",
                                          field.path, scalar_words(field), kind_words(item.kind),
                                          last_part(field.path), field.example));
      }
    }
  }

  void check_one_or_more(const Node& node, const Field& field) {
    if (node.kind != Node::Kind::kList) {
      if (is(node, Node::Kind::kScalar, field)) check_scalar(node, field);
      return;
    }
    if (node.items.empty()) {
      findings_.error(node,
                      fmt::format("\"{}\" is empty; expected {}; for example {}: {}", field.path,
                                  expected_words(field), last_part(field.path), field.example));
    }
    check_items(node, field);
  }

  void check_scalar(const Node& node, const Field& field) {
    if (accepts(field, node.text)) return;
    std::string words = fmt::format("\"{}\": expected {}, got {}", field.path, scalar_words(field),
                                    quoted(node.text));
    const auto meant =
        field.kind == Kind::kChoice ? nearest(node.text, choices(field)) : std::nullopt;
    words += meant ? fmt::format("; did you mean \"{}\"?", *meant)
                   : fmt::format("; for example {}: {}", last_part(field.path), field.example);
    findings_.error(node, std::move(words));
  }

  void complain_of_key(const Node::Entry& entry, std::string_view path, std::string_view child) {
    if (is_later_key(child)) {
      findings_.error(entry, fmt::format("{} is known, but not in this version yet; take it out",
                                         quoted(entry.key)));
      return;
    }
    if (const std::string_view instead = said_otherwise(child); !instead.empty()) {
      findings_.error(entry, fmt::format("{} is said otherwise in this version; say {}",
                                         quoted(entry.key), instead));
      return;
    }
    std::vector<std::string_view> known;
    for (const Field* field : fields_below(path)) known.push_back(last_part(field->path));
    findings_.error(entry, unknown_key_words(entry.key, path, known));
  }

  static std::string unknown_key_words(std::string_view key, std::string_view path,
                                       const std::vector<std::string_view>& known) {
    std::string words = fmt::format("unknown key {}", quoted(key));
    const bool is_path = path.empty() && find_field(key) != nullptr;
    if (is_path) return words + "; write one section below the other, without dots";
    auto meant = nearest(key, known);
    if (!meant) meant = only_home(key);
    if (meant) return words + fmt::format("; did you mean \"{}\"?", *meant);
    const std::string where = path.empty() ? "the file" : fmt::format("\"{}\"", path);
    return words + fmt::format("; {} may have {}", where, fmt::join(known, ", "));
  }

  // A key that stands in the wrong section: where it belongs, if there is just one such place.
  static std::optional<std::string_view> only_home(std::string_view key) {
    std::optional<std::string_view> home;
    for (const Field& field : fields()) {
      if (last_part(field.path) != key) continue;
      if (home) return std::nullopt;
      home = field.path;
    }
    return home;
  }

  Findings& findings_;
};

}  // namespace

void validate(const Node& root, Findings& findings) {
  if (root.kind == Node::Kind::kNull) return;
  if (root.kind != Node::Kind::kMap) {
    findings.error(
        root,
        fmt::format("expected a section of keys, got {}; for example hostname: mta1.example.com",
                    kind_words(root.kind)));
    return;
  }
  Validator(findings).check_map(root, "");
}

void validate_as(std::string_view path, const Node& root, Findings& findings) {
  const Field* field = find_field(path);
  CHECK(field != nullptr);
  Validator(findings).check_field(root, *field);
}

}  // namespace posthaste::config
