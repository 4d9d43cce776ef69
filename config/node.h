// Node: one value of a YAML document, with the place where it stands; what config/ knows of YAML.
//
// Threads      any; values.
// Limits       see parse_yaml.
// Does not     convert: a scalar is the text that was written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/findings.h"

namespace posthaste::config {

struct Node {
  enum class Kind : std::uint8_t { kNull, kScalar, kList, kMap };
  struct Entry;

  Kind kind = Kind::kNull;
  int line = 0;
  int column = 0;
  std::string text;            // kScalar
  std::vector<Node> items;     // kList
  std::vector<Entry> entries;  // kMap, in the file's order; keys differ

  // The value of a key, or nullptr. REQUIRES nothing: what is not a map has no keys.
  const Node* find(std::string_view key) const;
};

struct Node::Entry {
  std::string key;
  int line = 0;
  int column = 0;
  Node value;
};

// A document of block and flow style scalars, lists and maps. Anchors, aliases, tags, further
// documents, duplicate keys, tabs in the indentation and octets that are not UTF-8 are errors, all
// told to `findings`. Limits: 1 MiB, 50 levels. The tree is what could be read; it is of use only
// while there are no errors.
Node parse_yaml(std::string_view text, Findings& findings);

}  // namespace posthaste::config
