#include "lib/dns/query.h"

#include "lib/dns/wire.h"

namespace posthaste::dns {
namespace {

constexpr std::uint16_t kRecursionDesired = 0x0100;
constexpr std::uint16_t kAuthenticData = 0x0020;
constexpr std::uint16_t kClassInternet = 1;
constexpr std::uint16_t kOpt = 41;

void put_u16(std::string& packet, std::uint16_t value) {
  packet += static_cast<char>(value >> 8);
  packet += static_cast<char>(value & 0xff);
}

}  // namespace

Result<std::string> render_query(const Question& question, std::uint16_t id) {
  const auto wire_name = encode_name(question.name);
  if (!wire_name) return tl::make_unexpected(wire_name.error());
  std::string packet;
  put_u16(packet, id);
  put_u16(packet, kRecursionDesired | kAuthenticData);
  put_u16(packet, 1);  // questions
  put_u16(packet, 0);  // answers
  put_u16(packet, 0);  // authorities
  put_u16(packet, 1);  // additional: OPT
  packet += *wire_name;
  put_u16(packet, static_cast<std::uint16_t>(question.type));
  put_u16(packet, kClassInternet);
  packet += '\0';  // OPT's owner: the root
  put_u16(packet, kOpt);
  put_u16(packet, kUdpOctetsMax);
  put_u16(packet, 0);  // extended RCODE, version 0 (RFC 6891 §6.1.3)
  put_u16(packet, 0);  // DO and the rest of the flags
  put_u16(packet, 0);  // no options
  return packet;
}

}  // namespace posthaste::dns
