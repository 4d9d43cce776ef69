#include "lib/smtp/xtext.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <utility>

#include "lib/base/names.h"
#include "lib/mail/utf8.h"

namespace posthaste::smtp {
namespace {

bool is_graphic(char c) { return c > ' ' && c <= '~'; }

// Upper case only: RFC 3461 §4 and RFC 6533 §3 both spell HEXDIG so.
int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

tl::unexpected<Error> invalid(std::string words) {
  return fail(ErrorCode::kInvalid, std::move(words));
}

// EmbeddedUnicodeChar of RFC 6533 §3: "\x{" HEXPOINT "}". Appends the character; returns its
// encoded length.
Result<std::size_t> decode_embedded(std::string_view text, std::string& out) {
  constexpr std::string_view kOpen = "\\x{";
  const auto close = text.find('}');
  if (!text.starts_with(kOpen) || close == std::string_view::npos) {
    return invalid("a backslash that does not begin \\x{hex}");
  }
  const std::string_view digits = text.substr(kOpen.size(), close - kOpen.size());
  if (digits.size() < 2 || digits.size() > 6) return invalid("\\x{hex} takes 2 to 6 digits");
  char32_t point = 0;
  for (const char c : digits) {
    const int digit = hex_digit(c);
    if (digit < 0) return invalid("\\x{hex} takes upper-case hexadecimal digits");
    point = point << 4 | static_cast<char32_t>(digit);
  }
  // HEXPOINT has no leading zero but in two digits, and no form for what needs none.
  const bool padded = digits.size() > 2 && digits[0] == '0';
  const bool needless =
      point > ' ' && point < 0x7F && point != '+' && point != '=' && point != '\\';
  const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
  if (point == 0 || padded || needless || surrogate || point > 0x10FFFF) {
    return invalid("\\x{" + std::string(digits) + "} is no character that may be written so");
  }
  // A line end or other control in an address is good for nothing but injection.
  if (point < ' ' || (point >= 0x7F && point < 0xA0)) {
    return invalid("\\x{hex} of a control character");
  }
  mail::append_utf8(out, point);
  return close + 1;
}

// The code point that `octets`, one whole character of UTF-8, stands for.
std::uint32_t code_point(std::string_view octets) {
  const auto lead = static_cast<unsigned char>(octets[0]);
  std::uint32_t point = octets.size() == 1 ? lead : lead & (0x7FU >> octets.size());
  for (const char c : octets.substr(1)) {
    point = (point << 6) | (static_cast<unsigned char>(c) & 0x3FU);
  }
  return point;
}

bool is_atom(std::string_view text) {
  for (const char c : text) {
    if (!is_graphic(c) || std::string_view("()<>[]:;@\\,.\"").find(c) != std::string_view::npos) {
      return false;
    }
  }
  return !text.empty();
}

}  // namespace

Result<std::string> decode_xtext(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!is_graphic(text[i]) || text[i] == '=') return invalid("a character that is not xtext");
    if (text[i] != '+') {
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) return invalid("\"+\" without two upper-case hexadecimal digits");
    const int value = high << 4 | low;
    // RFC 3461 §4.2 and §4.4: what was encoded is printable ASCII. Anything else could break a
    // header of ours.
    if (value < ' ' || value > '~') return invalid("xtext that stands for unprintable text");
    out += static_cast<char>(value);
    i += 2;
  }
  return out;
}

Result<std::string> decode_utf8_address(std::string_view text, bool allow_utf8) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    std::size_t length = 1;
    if (text[0] == '\\') {
      const auto embedded = decode_embedded(text, out);
      if (!embedded) return tl::unexpected(embedded.error());
      text.remove_prefix(*embedded);
      continue;
    }
    if (static_cast<unsigned char>(text[0]) >= 0x80) {
      length = allow_utf8 ? mail::utf8_length(text) : 0;
      if (length == 0) return invalid("non-ASCII characters need SMTPUTF8 and valid UTF-8");
    } else if (!is_graphic(text[0]) || text[0] == '+' || text[0] == '=') {
      return invalid("a character that must be written as \\x{hex}");
    }
    out += text.substr(0, length);
    text.remove_prefix(length);
  }
  return out;
}

void append_utf8_address(std::string& into, std::string_view address) {
  while (!address.empty()) {
    const std::size_t length = std::max<std::size_t>(mail::utf8_length(address), 1);
    const char c = address[0];
    if (is_graphic(c) && c != '+' && c != '=' && c != '\\') {
      into += c;
    } else {
      fmt::format_to(std::back_inserter(into), "\\x{{{:02X}}}",
                     code_point(address.substr(0, length)));
    }
    address.remove_prefix(length);
  }
}

Result<std::string> decode_orcpt(std::string_view value, bool allow_utf8) {
  const auto semicolon = value.find(';');
  if (semicolon == std::string_view::npos) return invalid("no address type before a semicolon");
  const std::string_view type = value.substr(0, semicolon);
  if (!is_atom(type)) return invalid("the address type is no atom");
  const std::string_view encoded = value.substr(semicolon + 1);
  if (encoded.empty()) return invalid("no address after the semicolon");
  Result<std::string> address =
      equal_fold(type, "utf-8") ? decode_utf8_address(encoded, allow_utf8) : decode_xtext(encoded);
  if (!address) return address;
  return std::string(type) + ";" + *address;
}

}  // namespace posthaste::smtp
