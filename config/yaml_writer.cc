#include "config/yaml_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "config/values.h"

namespace posthaste::config {
namespace {

// Without quotes only what YAML cannot take for a number, a flag or syntax: words, paths and
// durations.
bool is_plain(std::string_view value) {
  static constexpr std::array<std::string_view, 3> kWords{"true", "false", "null"};
  if (std::find(kWords.begin(), kWords.end(), value) != kWords.end()) return false;
  if (parse_duration(value)) return true;
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !value.empty() && (is_letter(value.front()) || value.front() == '/') &&
         std::all_of(value.begin(), value.end(), [&](char c) {
           return is_letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '/' || c == '-' ||
                  c == '_';
         });
}

std::string scalar(std::string_view value) {
  if (is_plain(value)) return std::string(value);
  std::string quoted = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace

void YamlWriter::section(std::string_view key) {
  line(key, "");
  ++depth_;
}

void YamlWriter::item() {
  ++depth_;
  begins_item_ = true;
}

void YamlWriter::end() {
  --depth_;
  begins_item_ = false;
}

void YamlWriter::text(std::string_view key, std::string_view value) { line(key, scalar(value)); }

void YamlWriter::texts(std::string_view key, const std::vector<std::string>& values) {
  std::string list;
  for (const std::string& value : values) list += (list.empty() ? "" : ", ") + scalar(value);
  line(key, fmt::format("[{}]", list));
}

void YamlWriter::count(std::string_view key, std::uint64_t value) {
  line(key, fmt::format("{}", value));
}

void YamlWriter::fraction(std::string_view key, double value) {
  line(key, fmt::format("{}", value));
}

void YamlWriter::flag(std::string_view key, bool value) { line(key, value ? "true" : "false"); }

void YamlWriter::duration(std::string_view key, Duration value) {
  line(key, render_duration(value));
}

void YamlWriter::size(std::string_view key, std::uint64_t value) { line(key, render_size(value)); }

void YamlWriter::line(std::string_view key, std::string_view value) {
  const std::size_t indent = 2 * depth_;
  if (begins_item_) {
    out_ += std::string(indent - 2, ' ') + "- ";
    begins_item_ = false;
  } else {
    out_ += std::string(indent, ' ');
  }
  out_ += fmt::format("{}:{}{}\n", key, value.empty() ? "" : " ", value);
}

void write_patterns(YamlWriter& out, std::string_view key,
                    const std::vector<policy::DomainPattern>& patterns) {
  out.texts(key,
            rendered(patterns, [](const policy::DomainPattern& pattern) { return pattern.text; }));
}

}  // namespace posthaste::config
