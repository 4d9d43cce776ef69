#include "lib/mail/utf8.h"

#include <cstdint>
#include <cstring>

#include "lib/base/check.h"

namespace posthaste::mail {
namespace {

struct Range {
  unsigned char low, high;
};

// What may follow a lead octet: RFC 3629 §4 narrows the second octet for E0, ED, F0 and F4.
Range second_octet(unsigned char lead) {
  switch (lead) {
    case 0xE0: return {0xA0, 0xBF};
    case 0xED: return {0x80, 0x9F};
    case 0xF0: return {0x90, 0xBF};
    case 0xF4: return {0x80, 0x8F};
    default: return {0x80, 0xBF};
  }
}

std::size_t length_by_lead(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xC2) return 0;  // a continuation, or an overlong form
  if (lead < 0xE0) return 2;
  if (lead < 0xF0) return 3;
  return lead <= 0xF4 ? 4 : 0;
}

char octet(char32_t bits) { return static_cast<char>(static_cast<unsigned char>(bits)); }

}  // namespace

std::size_t utf8_length(std::string_view text) {
  if (text.empty()) return 0;
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t length = length_by_lead(lead);
  if (length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    const Range allowed = i == 1 ? second_octet(lead) : Range{0x80, 0xBF};
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < allowed.low || c > allowed.high) return 0;
  }
  return length;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

bool is_ascii(std::string_view text) {
  // Eight octets at a time: this runs over every octet of every message.
  std::uint64_t seen = 0;
  while (text.size() >= sizeof seen) {
    std::uint64_t word;
    std::memcpy(&word, text.data(), sizeof word);
    seen |= word;
    text.remove_prefix(sizeof word);
  }
  for (const char c : text) seen |= static_cast<unsigned char>(c);
  return (seen & 0x8080808080808080U) == 0;
}

void append_utf8(std::string& out, char32_t c) {
  CHECK(c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF));
  if (c < 0x80) {
    out += octet(c);
  } else if (c < 0x800) {
    out += {octet(0xC0 | c >> 6), octet(0x80 | (c & 0x3F))};
  } else if (c < 0x10000) {
    out += {octet(0xE0 | c >> 12), octet(0x80 | (c >> 6 & 0x3F)), octet(0x80 | (c & 0x3F))};
  } else {
    out += {octet(0xF0 | c >> 18), octet(0x80 | (c >> 12 & 0x3F)), octet(0x80 | (c >> 6 & 0x3F)),
            octet(0x80 | (c & 0x3F))};
  }
}

}  // namespace posthaste::mail
