// YamlWriter: lines of block style YAML, as parse_yaml reads them back.
//
// Lifetime     one document.
// Threads      one at a time.
// Does not     know fields, or check that keys differ. REQUIRES text without control characters.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/time.h"
#include "lib/policy/domain_pattern.h"

namespace posthaste::config {

class YamlWriter {
 public:
  // What follows stands below it, until end().
  void section(std::string_view key);
  void item();
  void end();

  void text(std::string_view key, std::string_view value);
  void texts(std::string_view key, const std::vector<std::string>& values);
  void count(std::string_view key, std::uint64_t value);
  void fraction(std::string_view key, double value);
  void flag(std::string_view key, bool value);
  void duration(std::string_view key, Duration value);
  void size(std::string_view key, std::uint64_t value);

  // A list of sections; an empty one is written as such, as no list would be the default.
  template <typename Items, typename Write>
  void items(std::string_view key, const Items& items, Write write) {
    if (items.empty()) return texts(key, {});
    section(key);
    for (const auto& one : items) {
      item();
      write(one);
      end();
    }
    end();
  }

  std::string take() { return std::move(out_); }

 private:
  void line(std::string_view key, std::string_view value);

  std::string out_;
  std::size_t depth_ = 0;
  bool begins_item_ = false;
};

template <typename Items, typename Render>
std::vector<std::string> rendered(const Items& items, Render render) {
  std::vector<std::string> texts;
  for (const auto& item : items) texts.push_back(render(item));
  return texts;
}

void write_patterns(YamlWriter& out, std::string_view key,
                    const std::vector<policy::DomainPattern>& patterns);

}  // namespace posthaste::config
