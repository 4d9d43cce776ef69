// Section: one section of a file as its readers see it, with the table's defaults beneath.
//
// Lifetime     not longer than the tree that it looks into.
// Threads      one at a time.
// Does not     complain: a value of the wrong shape counts as absent, as validate() has told it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/node.h"

namespace posthaste::config {

class Section {
 public:
  // The whole file.
  explicit Section(const Node& root) : Section(&root, "") {}
  // The items of a list of sections that has a file of its own; in the table it is at `path`.
  static std::vector<Section> items_of(const Node& root, const std::string& path);

  // Keys are relative and may have dots: "timeouts.connect". REQUIRES that the table has the field.

  // What the file says, nullptr where it says nothing.
  const Node* given(std::string_view key) const;
  // The scalar that the file has there, else nullopt.
  std::optional<std::string> given_text(std::string_view key) const;
  // What the file says, else the table's default, else nullopt.
  std::optional<std::string> text(std::string_view key) const;
  // A list of scalars, or the one scalar, or the table's default.
  std::vector<std::string> texts(std::string_view key) const;

  Section section(std::string_view key) const;
  // The items of a list of sections; the table's default where there is no list.
  std::vector<Section> sections(std::string_view key) const;
  // The named sections below `key`, in the file's order.
  std::vector<std::pair<const Node::Entry*, Section>> named(std::string_view key) const;

  // Where it stands: for diagnostics. A section that the file does not have is at line 0.
  int line = 0;
  int column = 0;

 private:
  Section(const Node* map, std::string path, std::shared_ptr<const Node> owned = nullptr);
  std::string path_of(std::string_view key) const;

  const Node* map_;  // nullptr: absent
  std::string path_;
  std::shared_ptr<const Node> owned_;  // the tree of a default, which nobody else keeps
};

}  // namespace posthaste::config
