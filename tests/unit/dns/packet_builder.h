// PacketBuilder: DNS answers for tests, also such as no decent server would send.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/dns/answer.h"

namespace posthaste::dns {

class PacketBuilder {
 public:
  static constexpr unsigned kAuthoritative = 0x0400;
  static constexpr unsigned kTruncated = 0x0200;
  static constexpr unsigned kRecursionAvailable = 0x0080;
  static constexpr unsigned kAuthenticData = 0x0020;
  static constexpr std::size_t kQuestionAt = 12;

  // An answer of a recursive server to `question`, without records yet.
  explicit PacketBuilder(const Question& question, unsigned rcode = 0,
                         unsigned flags = kRecursionAvailable);

  // The next record goes there; sections must be filled in their order.
  PacketBuilder& answer() { return in(6); }
  PacketBuilder& authority() { return in(8); }
  PacketBuilder& additional() { return in(10); }

  PacketBuilder& a(std::string_view owner, std::uint32_t ttl, const std::string& octets);
  PacketBuilder& aaaa(std::string_view owner, std::uint32_t ttl, const std::string& octets);
  PacketBuilder& mx(std::string_view owner, std::uint32_t ttl, std::uint16_t preference,
                    std::string_view host);
  PacketBuilder& cname(std::string_view owner, std::uint32_t ttl, std::string_view target);
  PacketBuilder& soa(std::string_view owner, std::uint32_t ttl, std::uint32_t minimum);
  PacketBuilder& opt(unsigned extended_rcode);
  // Any record; `wire_owner` as it goes into the packet, so it may be compressed.
  PacketBuilder& record(const std::string& wire_owner, std::uint16_t type, std::uint16_t cls,
                        std::uint32_t ttl, const std::string& data);

  const std::string& octets() const { return octets_; }
  static std::string u16(unsigned value);
  static std::string u32(std::uint32_t value);
  static std::string wire(std::string_view name);  // REQUIRES a valid name
  static std::string pointer(std::size_t at) { return u16(0xC000U | static_cast<unsigned>(at)); }

 private:
  PacketBuilder& in(std::size_t count_at) {
    count_at_ = count_at;
    return *this;
  }

  std::string octets_;
  std::size_t count_at_ = 6;
};

}  // namespace posthaste::dns
