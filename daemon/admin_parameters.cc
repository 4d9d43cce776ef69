#include "daemon/admin_parameters.h"

#include <algorithm>
#include <charconv>

namespace posthaste::daemon {

Result<std::string> parse_words(std::string_view text) {
  const bool one_line = std::none_of(text.begin(), text.end(), [](char c) {
    const auto octet = static_cast<unsigned char>(c);
    return octet < ' ' || octet == 0x7F;
  });
  if (!one_line || text.size() > kWordsBytesMax) {
    return fail(ErrorCode::kInvalid, "words: expected one line of at most " +
                                         std::to_string(kWordsBytesMax) + " octets");
  }
  return std::string(text);
}

Result<std::size_t> parse_limit(std::string_view text, std::size_t otherwise, std::size_t max) {
  if (text.empty()) return otherwise;
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number == 0 || number > max) {
    return fail(ErrorCode::kInvalid, "limit: expected 1 to " + std::to_string(max));
  }
  return number;
}

std::vector<std::string_view> split_list(std::string_view text) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    parts.push_back(text.substr(0, comma));
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  return parts;
}

}  // namespace posthaste::daemon
