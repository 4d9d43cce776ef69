#include "tests/unit/dns/packet_builder.h"

#include "lib/dns/wire.h"

namespace posthaste::dns {

PacketBuilder::PacketBuilder(const Question& question, unsigned rcode, unsigned flags)
    : octets_(u16(0x1234) + u16(0x8100U | flags | rcode) + u16(1) + u16(0) + u16(0) + u16(0) +
              wire(question.name) + u16(static_cast<unsigned>(question.type)) + u16(1)) {}

std::string PacketBuilder::u16(unsigned value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
}

std::string PacketBuilder::u32(std::uint32_t value) {
  return u16(value >> 16) + u16(value & 0xffff);
}

std::string PacketBuilder::wire(std::string_view name) { return encode_name(name).value(); }

PacketBuilder& PacketBuilder::record(const std::string& wire_owner, std::uint16_t type,
                                     std::uint16_t cls, std::uint32_t ttl,
                                     const std::string& data) {
  octets_ +=
      wire_owner + u16(type) + u16(cls) + u32(ttl) + u16(static_cast<unsigned>(data.size())) + data;
  const unsigned low = static_cast<unsigned char>(octets_[count_at_ + 1]);
  const unsigned high = static_cast<unsigned char>(octets_[count_at_]);
  octets_.replace(count_at_, 2, u16(high * 256 + low + 1));
  return *this;
}

PacketBuilder& PacketBuilder::a(std::string_view owner, std::uint32_t ttl,
                                const std::string& octets) {
  return record(wire(owner), 1, 1, ttl, octets);
}

PacketBuilder& PacketBuilder::aaaa(std::string_view owner, std::uint32_t ttl,
                                   const std::string& octets) {
  return record(wire(owner), 28, 1, ttl, octets);
}

PacketBuilder& PacketBuilder::mx(std::string_view owner, std::uint32_t ttl,
                                 std::uint16_t preference, std::string_view host) {
  return record(wire(owner), 15, 1, ttl, u16(preference) + wire(host));
}

PacketBuilder& PacketBuilder::cname(std::string_view owner, std::uint32_t ttl,
                                    std::string_view target) {
  return record(wire(owner), 5, 1, ttl, wire(target));
}

PacketBuilder& PacketBuilder::soa(std::string_view owner, std::uint32_t ttl,
                                  std::uint32_t minimum) {
  const std::string names = wire("ns.example") + wire("hostmaster.example");
  return record(wire(owner), 6, 1, ttl, names + u32(1) + u32(2) + u32(3) + u32(4) + u32(minimum));
}

PacketBuilder& PacketBuilder::opt(unsigned extended_rcode) {
  return record(std::string(1, '\0'), 41, 1232, extended_rcode << 24, "");
}

}  // namespace posthaste::dns
