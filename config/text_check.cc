#include "config/text_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

namespace posthaste::config {
namespace {

constexpr std::size_t kTabsTold = 10;

bool is_continuation(char octet) { return (static_cast<unsigned char>(octet) & 0xC0) == 0x80; }

// The length of the well-formed UTF-8 sequence that `text` begins with, or 0 (RFC 3629 §4: no
// overlong forms, no surrogates, nothing above U+10FFFF). REQUIRES !text.empty().
std::size_t sequence_length(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if (!is_continuation(text[i])) return 0;
  }
  const auto second = static_cast<unsigned char>(text[1]);
  if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F)) return 0;
  if ((first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F)) return 0;
  return length;
}

bool is_unwanted_control(char c) {
  const auto octet = static_cast<unsigned char>(c);
  return (octet < 0x20 && c != '\t' && c != '\n' && c != '\r') || octet == 0x7F;
}

// The first octet of a line that is no text, as a diagnostic's words; column 0: none.
struct BadOctet {
  int column = 0;
  std::string words;
};

BadOctet find_bad_octet(std::string_view line) {
  int column = 1;
  for (std::size_t at = 0; at < line.size(); ++column) {
    const auto octet = static_cast<unsigned char>(line[at]);
    if (is_unwanted_control(line[at])) {
      return {column,
              fmt::format("a control character (0x{:02x}); a configuration is plain text", octet)};
    }
    const std::size_t length = sequence_length(line.substr(at));
    if (length == 0)
      return {column, fmt::format("octet 0x{:02x} is not UTF-8; save the file as UTF-8", octet)};
    at += length;
  }
  return {};
}

bool is_indented_by_tab(std::string_view line) {
  const std::size_t content = line.find_first_not_of(" \t\r");
  return content != std::string_view::npos && line[content] != '#' &&
         line.substr(0, content).find('\t') != std::string_view::npos;
}

}  // namespace

void check_text(std::string_view text, Findings& findings) {
  if (text.size() > kFileBytesMax) {
    findings.error(
        0, 0,
        fmt::format("the file has {} octets; at most {} are read", text.size(), kFileBytesMax));
    return;
  }
  std::size_t tabs = 0;
  for (int number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (BadOctet bad = find_bad_octet(line); bad.column != 0) {
      findings.error(number, bad.column, std::move(bad.words));
      return;  // the rest is likely to be the same, a thousand times
    }
    if (is_indented_by_tab(line) && ++tabs <= kTabsTold) {
      const int column = static_cast<int>(line.find('\t')) + 1;
      findings.error(number, column, "a tab in the indentation; YAML wants spaces");
    }
  }
}

}  // namespace posthaste::config
