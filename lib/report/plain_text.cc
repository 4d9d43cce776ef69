#include "lib/report/plain_text.h"

#include <algorithm>

#include "lib/mail/utf8.h"

namespace posthaste::report {
namespace {

constexpr std::size_t kFoldAt = 76;
constexpr std::size_t kBreakAt = 900;  // of a word: RFC 5322 §2.1.1 ends lines at 998
constexpr std::size_t kTextWidth = 72;
constexpr std::size_t kLineMax = 998;

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80; }

// How much of `text` goes on a line with `room` octets left: up to a space, else up to the next
// space behind it.
std::size_t line_length(std::string_view text, std::size_t room) {
  if (text.size() <= room) return text.size();
  // Every line has something on it: one of blanks alone would end a header for some readers.
  const std::size_t word = text.find_first_not_of(' ');
  std::size_t space = text.substr(0, room + 1).rfind(' ');
  if (space == std::string_view::npos || space < word) space = text.find(' ', word);
  std::size_t length = std::min({space, text.size(), kBreakAt});
  while (length < text.size() && length > 1 && is_continuation(text[length])) --length;
  return length;
}

}  // namespace

std::string one_line(std::string_view text, Charset charset, std::size_t octets_max) {
  const bool utf8 = charset == Charset::kUtf8 && mail::is_utf8(text);
  if (text.size() > octets_max) {
    while (utf8 && octets_max > 0 && is_continuation(text[octets_max])) --octets_max;
    text = text.substr(0, octets_max);
  }
  std::string line;
  line.reserve(text.size());
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    const bool control = octet < 0x20 || octet == 0x7F;
    if ((control || c == ' ') && line.empty()) continue;
    if (control && line.back() == ' ') continue;
    line += control ? ' ' : octet >= 0x80 && !utf8 ? '?' : c;
  }
  while (line.ends_with(' ')) line.pop_back();
  return line;
}

void append_field(std::string& into, std::string_view name, std::string_view value) {
  into.append(name).append(": ");
  std::size_t room = kFoldAt - std::min(kFoldAt, name.size() + 2);
  while (!value.empty()) {
    const std::size_t length = line_length(value, room);
    into += value.substr(0, length);
    value.remove_prefix(length);
    // The space at which a line was broken is the one that begins the next (RFC 5322 §2.2.3).
    if (!value.empty()) into += value.front() == ' ' ? "\r\n" : "\r\n ";
    room = kFoldAt;
  }
  into += "\r\n";
}

void append_wrapped(std::string& into, std::string_view indent, std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = line_length(text, kTextWidth - std::min(kTextWidth, indent.size()));
    into.append(indent).append(text.substr(0, length)).append("\r\n");
    text.remove_prefix(length);
    while (text.starts_with(' ')) text.remove_prefix(1);
  }
}

bool is_mail_text(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = text.find("\r\n");
    const std::string_view line = text.substr(0, end);
    if (line.size() > kLineMax || line.find_first_of(std::string_view("\r\n\0", 3)) != line.npos)
      return false;
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 2);
  }
  return true;
}

std::string quoted_printable(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  constexpr std::size_t kWidth = 75;  // and a "=" behind it: RFC 2045 §6.7 rule 5
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  std::size_t column = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i, 2) == "\r\n") {
      out += "\r\n";
      column = 0;
      ++i;
      continue;
    }
    const auto octet = static_cast<unsigned char>(text[i]);
    const bool ends_line = i + 1 == text.size() || text.substr(i + 1, 2) == "\r\n";
    const bool blank = octet == ' ' || octet == '\t';
    const bool plain = blank ? !ends_line : octet > ' ' && octet < 0x7F && octet != '=';
    if (column + (plain ? 1 : 3) > kWidth) {
      out += "=\r\n";
      column = 0;
    }
    if (plain) {
      out += text[i];
    } else {
      out += '=';
      out += kHex[octet >> 4];
      out += kHex[octet & 0xFU];
    }
    column += plain ? 1 : 3;
  }
  return out;
}

}  // namespace posthaste::report
