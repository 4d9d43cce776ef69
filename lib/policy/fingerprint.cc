#include "lib/policy/fingerprint.h"

#include <cstddef>

namespace posthaste::policy {
namespace {

constexpr std::string_view kPrefix = "sha256:";
constexpr std::size_t kOctets = 32;

int nibble(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Empty where it is not so many octets.
std::string octets_of(std::string_view digits) {
  const std::size_t step = digits.size() == kOctets * 2 ? 2 : 3;  // with colons between
  if (step == 3 && digits.size() != kOctets * 3 - 1) return {};
  std::string octets;
  for (std::size_t at = 0; at < digits.size(); at += step) {
    const int high = nibble(digits[at]);
    const int low = nibble(digits[at + 1]);
    const bool parted = step == 2 || at + 2 == digits.size() || digits[at + 2] == ':';
    if (high < 0 || low < 0 || !parted) return {};
    octets.push_back(static_cast<char>(high * 16 + low));
  }
  return octets;
}

}  // namespace

Result<std::string> parse_fingerprint(std::string_view text) {
  std::string octets;
  if (text.starts_with(kPrefix)) octets = octets_of(text.substr(kPrefix.size()));
  if (!octets.empty()) return octets;
  return fail(ErrorCode::kInvalid, "\"" + std::string(text) +
                                       "\" is no fingerprint: \"sha256:\" and the 64 hexadecimal "
                                       "digits of the public key's SHA-256");
}

std::string render_fingerprint(std::string_view octets) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(kPrefix);
  for (const char c : octets) {
    const auto octet = static_cast<unsigned char>(c);
    text.push_back(kDigits[octet >> 4]);
    text.push_back(kDigits[octet & 0xF]);
  }
  return text;
}

}  // namespace posthaste::policy
