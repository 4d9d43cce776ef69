#include "lib/smtp/capabilities.h"

#include <charconv>
#include <limits>
#include <string_view>

#include "lib/base/names.h"

namespace posthaste::smtp {
namespace {

struct Keyword {
  std::string_view name;
  bool Capabilities::*offered;
};
constexpr Keyword kKeywords[] = {
    {"PIPELINING", &Capabilities::pipelining},
    {"CHUNKING", &Capabilities::chunking},
    {"8BITMIME", &Capabilities::eight_bit_mime},
    {"SMTPUTF8", &Capabilities::smtputf8},
    {"DSN", &Capabilities::dsn},
    {"STARTTLS", &Capabilities::starttls},
    {"BINARYMIME", &Capabilities::binary_mime},
    {"SIZE", &Capabilities::size},
    {"REQUIRETLS", &Capabilities::requiretls},
    {"DELIVERBY", &Capabilities::deliver_by},
    {"MT-PRIORITY", &Capabilities::mt_priority},
};

// RFC 1870 §4: no number, or 0, means that no fixed limit is told.
std::uint64_t parse_size(std::string_view text) {
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (error == std::errc::result_out_of_range) return std::numeric_limits<std::uint64_t>::max();
  const bool whole = end == text.data() + text.size() || *end == ' ';
  return error == std::errc{} && whole ? size : 0;
}

// RFC 2852 §2: 1 to 9 digits, behind which there may be a comma and options yet to come.
std::uint32_t parse_least_time(std::string_view text) {
  constexpr std::uint32_t kMost = 999'999'999;
  std::uint32_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  const bool whole = end == text.data() + text.size() || *end == ',' || *end == ' ';
  return error == std::errc{} && whole && seconds <= kMost ? seconds : 0;
}

void read_line(std::string_view line, Capabilities& capabilities) {
  const std::size_t space = line.find(' ');
  const std::string_view name = line.substr(0, space);
  for (const Keyword& keyword : kKeywords) {
    if (!equal_fold(name, keyword.name)) continue;
    capabilities.*keyword.offered = true;
    if (space == std::string_view::npos) continue;
    const std::string_view value = line.substr(space + 1);
    if (keyword.offered == &Capabilities::size) capabilities.size_max = parse_size(value);
    if (keyword.offered == &Capabilities::deliver_by) {
      capabilities.deliver_by_seconds_min = parse_least_time(value);
    }
  }
}

}  // namespace

Capabilities parse_capabilities(const Reply& ehlo) {
  Capabilities capabilities;
  std::string_view rest = ehlo.text;
  for (bool first = true;; first = false) {
    const std::size_t end = rest.find('\n');
    if (!first) read_line(rest.substr(0, end), capabilities);
    if (end == std::string_view::npos) return capabilities;
    rest.remove_prefix(end + 1);
  }
}

}  // namespace posthaste::smtp
