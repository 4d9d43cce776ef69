// KeyedSection: one section of a scenario file, held against the table of its keys.
//
// Lifetime     not longer than the tree and the findings.
// Does not     know what a value means: whoever asks for it brings the function that reads it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/findings.h"
#include "config/node.h"

namespace posthaste::rehearsal {

class KeyedSection {
 public:
  // Tells of keys that the table does not have, and of those that are missing.
  KeyedSection(const config::Node& node, std::string_view section, config::Findings& findings);

  // REQUIRES that the table has the key. nullptr: not there, or without a value.
  const config::Node* find(std::string_view key) const;
  bool has(std::string_view key) const { return find(key) != nullptr; }

  // What `read` makes of a scalar: an optional. What it does not take is told. nullopt: not there.
  template <typename Read>
  auto value(std::string_view key, Read&& read) const -> decltype(read(std::string_view())) {
    const config::Node* node = find(key);
    if (node == nullptr) return std::nullopt;
    auto made = node->kind == config::Node::Kind::kScalar ? read(std::string_view(node->text))
                                                          : decltype(read(std::string_view()))();
    if (!made) complain(key, *node);
    return made;
  }
  // A list of scalars, or one scalar, each read as above; empty where there is none.
  template <typename Read>
  auto values(std::string_view key, Read&& read) const
      -> std::vector<typename decltype(read(std::string_view()))::value_type> {
    std::vector<typename decltype(read(std::string_view()))::value_type> all;
    for (const config::Node* node : scalars(key)) {
      if (auto made = read(std::string_view(node->text))) {
        all.push_back(std::move(*made));
      } else {
        complain(key, *node);
      }
    }
    return all;
  }
  // The sections of a list.
  std::vector<const config::Node*> sections(std::string_view key) const;

  void complain(std::string_view key, const config::Node& node) const;
  // At the place of the section.
  void error(std::string words) const;

 private:
  std::vector<const config::Node*> scalars(std::string_view key) const;

  const config::Node& node_;
  const std::string section_;
  config::Findings& findings_;
};

}  // namespace posthaste::rehearsal
