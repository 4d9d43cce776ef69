// IpAddress, Network, Endpoint: addresses as values.
//
// Implements   RFC 4291 §2.2, RFC 5952; the IANA special-purpose registries of RFC 6890.
// Does not     resolve names, touch a socket. See lib/io/socket_address.h.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace posthaste {

// An IPv4 or IPv6 address, network order. IPv4-mapped IPv6 is folded to IPv4 by parse_ip.
struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};
  bool v6 = false;
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
  std::size_t size() const { return v6 ? 16 : 4; }
};

IpAddress ipv4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d);
// From 16 octets of network order; folds ::ffff:a.b.c.d to IPv4.
IpAddress ipv6(const std::array<std::uint8_t, 16>& bytes);
Result<IpAddress> parse_ip(std::string_view text);  // no brackets, no zone
std::string render_ip(const IpAddress& address);    // RFC 5952 for IPv6

struct Network {
  IpAddress base;
  unsigned prefix_bits = 0;
  bool contains(const IpAddress& address) const;
};

// "10.0.0.0/8", "::1/128", or a bare address (its full length). Error: kInvalid (also for host bits
// set).
Result<Network> parse_network(std::string_view text);
std::string render_network(const Network& network);
bool contains_any(const std::vector<Network>& networks, const IpAddress& address);

bool is_loopback(const IpAddress& address);
// Addresses where a stranger's MX must not lead us: loopback, private, link-local, shared (RFC
// 6598), multicast, unspecified, documentation, benchmarking, and what else the IANA
// special-purpose registries (RFC 6890) do not call globally reachable; also IPv6 forms that embed
// such an IPv4 address (6to4, NAT64).
bool is_special_purpose(const IpAddress& address);

struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

// "127.0.0.1:25", "[::1]:25". Error: kInvalid.
Result<Endpoint> parse_endpoint(std::string_view text);
std::string render_endpoint(const Endpoint& endpoint);

}  // namespace posthaste
