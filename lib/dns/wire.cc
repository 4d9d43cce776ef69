#include "lib/dns/wire.h"

#include <optional>

namespace posthaste::dns {
namespace {

constexpr std::size_t kNameOctetsMax = 255;
constexpr std::size_t kLabelOctetsMax = 63;
constexpr unsigned kPointerBits = 0xC0;
constexpr std::size_t kEscapeDigits = 3;
constexpr int kPointersMax = 128;  // no name has more labels; each needs one pointer at most

char fold(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool printable(char c) { return c > ' ' && c < '\x7f'; }

// One octet of a label, of which `text` has at least one character left; nullopt: a broken escape.
std::optional<char> take_octet(std::string_view& text) {
  const char first = text.front();
  text.remove_prefix(1);
  if (first != '\\') return first;
  if (text.empty()) return std::nullopt;
  if (!is_digit(text.front())) {
    const char escaped = text.front();
    text.remove_prefix(1);
    return escaped;
  }
  if (text.size() < kEscapeDigits) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(0, kEscapeDigits)) {
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + (c - '0');
  }
  if (value > 255) return std::nullopt;
  text.remove_prefix(kEscapeDigits);
  return static_cast<char>(value);
}

tl::unexpected<Error> no_name(std::string_view text, std::string_view why) {
  return fail(ErrorCode::kInvalid,
              "\"" + std::string(text) + "\" is no domain name: " + std::string(why));
}

}  // namespace

std::string_view WireReader::octets(std::size_t count) {
  if (failed_ || count > packet_.size() - at_) {
    failed_ = true;
    return {};
  }
  const std::string_view taken = packet_.substr(at_, count);
  at_ += count;
  return taken;
}

std::uint8_t WireReader::u8() {
  const std::string_view octet = octets(1);
  return failed_ ? std::uint8_t{0} : static_cast<std::uint8_t>(octet[0]);
}

std::uint16_t WireReader::u16() {
  const unsigned high = u8();
  return static_cast<std::uint16_t>(high << 8 | u8());
}

std::uint32_t WireReader::u32() {
  const std::uint32_t high = u16();
  return high << 16 | u16();
}

void WireReader::seek(std::size_t at) {
  if (at > packet_.size()) failed_ = true;
  if (!failed_) at_ = at;
}

std::string WireReader::domain_name() {
  std::string text;
  std::size_t name_octets = 1;     // with the root's
  std::size_t resume = 0;          // where to go on after the name; 0: no pointer was followed yet
  std::size_t pointers_max = at_;  // a pointer must lead to before this
  int pointers = 0;
  for (;;) {
    const unsigned length = u8();
    if (failed_) return {};
    if (length == 0) break;
    if ((length & kPointerBits) == kPointerBits) {
      const std::size_t target = (length & ~kPointerBits) << 8 | u8();
      if (failed_ || target >= pointers_max || ++pointers > kPointersMax) {
        failed_ = true;
        return {};
      }
      if (resume == 0) resume = at_;
      pointers_max = target;
      at_ = target;
      continue;
    }
    name_octets += 1 + length;
    if (length > kLabelOctetsMax || name_octets > kNameOctetsMax) failed_ = true;
    const std::size_t label_at = at_;
    octets(length);
    if (failed_) return {};
    append_label(label_at, length, text);
  }
  if (resume != 0) at_ = resume;
  return text;
}

void WireReader::append_label(std::size_t at, std::size_t length, std::string& text) const {
  if (!text.empty()) text += '.';
  for (const char raw : packet_.substr(at, length)) {
    const char c = fold(raw);
    if (c == '.' || c == '\\') {
      text += '\\';
      text += c;
    } else if (printable(c)) {
      text += c;
    } else {
      const unsigned value = static_cast<unsigned char>(c);
      text += '\\';
      text += static_cast<char>('0' + value / 100);
      text += static_cast<char>('0' + value / 10 % 10);
      text += static_cast<char>('0' + value % 10);
    }
  }
}

Result<std::string> encode_name(std::string_view text) {
  std::string wire;
  std::string_view rest = text;
  while (!rest.empty()) {
    std::string label;
    while (!rest.empty() && rest.front() != '.') {
      const std::optional<char> octet = take_octet(rest);
      if (!octet) return no_name(text, "a broken escape");
      label += *octet;
    }
    if (label.empty()) return no_name(text, "an empty label");
    if (label.size() > kLabelOctetsMax) return no_name(text, "a label of more than 63 octets");
    wire += static_cast<char>(label.size());
    wire += label;
    if (rest.empty()) break;
    rest.remove_prefix(1);
    if (rest.empty()) return no_name(text, "an empty label");
  }
  wire += '\0';
  if (wire.size() > kNameOctetsMax) return no_name(text, "more than 255 octets");
  return wire;
}

}  // namespace posthaste::dns
