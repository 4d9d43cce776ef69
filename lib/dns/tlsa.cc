#include "lib/dns/tlsa.h"

#include <string_view>

namespace posthaste::dns {
namespace {

constexpr std::size_t kSha256Octets = 32;
constexpr std::size_t kSha512Octets = 64;

bool fits(std::uint8_t matching, std::size_t octets) {
  switch (matching) {
    case 0: return octets > 0 && octets <= kTlsaOctetsMax;
    case 1: return octets == kSha256Octets;
    case 2: return octets == kSha512Octets;
    default: return false;
  }
}

}  // namespace

std::string render(const TlsaRecord& record) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text = std::to_string(record.usage) + ' ' + std::to_string(record.selector) + ' ' +
                     std::to_string(record.matching) + ' ';
  text.reserve(text.size() + 2 * record.data.size());
  for (const char octet : record.data) {
    const auto value = static_cast<unsigned char>(octet);
    text += kDigits[value >> 4U];
    text += kDigits[value & 0xfU];
  }
  return text;
}

bool usable(const TlsaRecord& record) {
  const bool dane_ta_or_ee = record.usage == 2 || record.usage == 3;
  return dane_ta_or_ee && record.selector <= 1 && fits(record.matching, record.data.size());
}

}  // namespace posthaste::dns
