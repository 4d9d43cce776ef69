#include "lib/report/original_header.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "lib/base/names.h"
#include "lib/mail/utf8.h"
#include "lib/report/plain_text.h"

namespace posthaste::report {
namespace {

constexpr std::string_view kBlanks = " \t";

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

// RFC 2047 §4.2.
std::optional<std::string> decode_q(std::string_view text) {
  std::string octets;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=') {
      octets += text[i] == '_' ? ' ' : text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) return std::nullopt;
    octets += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return octets;
}

// RFC 2047 §4.1; bits that fill no octet are dropped.
std::optional<std::string> decode_b(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string octets;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const int digit = base64_digit(c);
    if (digit < 0) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    octets += static_cast<char>(bits >> held & 0xFFU);
  }
  return octets;
}

enum class WordCharset : unsigned char { kUtf8, kLatin1 };

std::optional<WordCharset> parse_charset(std::string_view name) {
  name = name.substr(0, name.find('*'));  // a language (RFC 2231 §5)
  if (equal_fold(name, "utf-8") || equal_fold(name, "us-ascii")) return WordCharset::kUtf8;
  if (equal_fold(name, "iso-8859-1")) return WordCharset::kLatin1;
  return std::nullopt;
}

struct EncodedWord {
  WordCharset charset = WordCharset::kUtf8;
  std::string octets;
  std::size_t length = 0;  // of what stood for it
};

// The encoded word that `text` begins with: "=?utf-8?Q?caf=C3=A9?=".
std::optional<EncodedWord> parse_encoded_word(std::string_view text) {
  if (!text.starts_with("=?")) return std::nullopt;
  const std::size_t charset_end = text.find('?', 2);
  if (charset_end == text.npos || charset_end + 2 >= text.size() || text[charset_end + 2] != '?')
    return std::nullopt;
  const std::size_t start = charset_end + 3;
  const std::size_t end = text.find("?=", start);
  if (end == text.npos) return std::nullopt;
  const std::string_view inside = text.substr(start, end - start);
  if (inside.find_first_of(" \t?") != inside.npos) return std::nullopt;
  const auto charset = parse_charset(text.substr(2, charset_end - 2));
  if (!charset) return std::nullopt;
  const char encoding = text[charset_end + 1];
  std::optional<std::string> octets;
  if (encoding == 'Q' || encoding == 'q') octets = decode_q(inside);
  if (encoding == 'B' || encoding == 'b') octets = decode_b(inside);
  if (!octets) return std::nullopt;
  return EncodedWord{*charset, std::move(*octets), end + 2};
}

void append_octets(std::string& out, WordCharset charset, std::string_view octets) {
  if (charset == WordCharset::kUtf8) {
    out += octets;
    return;
  }
  for (const char c : octets) mail::append_utf8(out, static_cast<unsigned char>(c));
}

// Characters that a person does not see, and that change what he sees beside them: C1 controls,
// line separators, directions (U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069), U+FEFF.
bool is_deceptive(std::string_view character) {
  if (character.size() == 2) return character[0] == '\xC2' && character[1] < '\xA0';
  if (character.size() != 3) return false;
  if (character == "\xEF\xBB\xBF") return true;
  if (character[0] != '\xE2') return false;
  const auto last = static_cast<unsigned char>(character[2]);
  if (character[1] == '\x80') return last == 0x8E || last == 0x8F || (last >= 0xA8 && last <= 0xAE);
  return character[1] == '\x81' && last >= 0xA6 && last <= 0xA9;
}

std::string without_deception(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = std::max<std::size_t>(mail::utf8_length(text), 1);
    const std::string_view character = text.substr(0, length);
    if (!is_deceptive(character)) out += character;
    text.remove_prefix(length);
  }
  return out;
}

// The value of the first field of that name, unfolded; empty: there is none.
std::string field_value(std::string_view section, std::string_view name) {
  std::string value;
  bool found = false;
  while (!section.empty()) {
    const std::size_t end = std::min(section.find("\r\n"), section.size());
    const std::string_view line = section.substr(0, end);
    section.remove_prefix(std::min(end + 2, section.size()));
    if (line.empty()) break;
    const bool continues = line.front() == ' ' || line.front() == '\t';
    if (found && !continues) break;
    if (found) {
      value += line;
    } else if (!continues && line.size() > name.size() &&
               equal_fold(line.substr(0, name.size()), name)) {
      const std::size_t colon = line.find_first_not_of(kBlanks, name.size());
      found = colon != line.npos && line[colon] == ':';
      if (found) value = line.substr(colon + 1);
    }
  }
  return value;
}

// One msg-id of characters that need no quoting anywhere, so that it can stand in a header of ours.
bool is_message_id(std::string_view text) {
  if (text.size() < 5 || text.size() > kMessageIdOctetsMax) return false;
  if (text.front() != '<' || text.back() != '>') return false;
  text = text.substr(1, text.size() - 2);
  const std::size_t at = text.find('@');
  if (at == 0 || at == text.npos || at + 1 == text.size() || text.find('@', at + 1) != text.npos)
    return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c <= '~' && std::string_view("<>()\\\",;").find(c) == std::string_view::npos;
  });
}

}  // namespace

std::string decode_encoded_words(std::string_view text) {
  std::string out;
  std::optional<WordCharset> before;  // of the encoded word that `out` ends with
  std::string octets;  // of that run of words: a character may begin in one and end in the next
  const auto end_run = [&] {
    if (before) append_octets(out, *before, octets);
    before.reset();
    octets.clear();
  };
  while (!text.empty()) {
    // RFC 2047 §6.2: blanks between two encoded words are not part of the text.
    const std::size_t blanks = std::min(text.find_first_not_of(" \t\r\n"), text.size());
    const auto word = parse_encoded_word(text.substr(blanks));
    if (word) {
      const bool joined = before.has_value();
      if (joined && *before != word->charset) end_run();
      if (!joined) out += text.substr(0, blanks);
      before = word->charset;
      octets += word->octets;
      text.remove_prefix(blanks + word->length);
      continue;
    }
    end_run();
    // An encoded word begins behind a blank (§5 rule 1).
    const std::size_t end = std::min(text.find_first_of(" \t", blanks), text.size());
    out += text.substr(0, end);
    text.remove_prefix(end);
  }
  end_run();
  return out;
}

OriginalHeader read_original_header(std::string_view section) {
  OriginalHeader header;
  const std::string subject = decode_encoded_words(field_value(section, "Subject"));
  header.subject = one_line(subject, Charset::kUtf8, subject.size());
  header.subject = one_line(without_deception(header.subject), Charset::kUtf8, kSubjectOctetsMax);
  const std::string id = one_line(field_value(section, "Message-ID"), Charset::kUtf8, 998);
  if (is_message_id(id)) header.message_id = id;
  return header;
}

}  // namespace posthaste::report
