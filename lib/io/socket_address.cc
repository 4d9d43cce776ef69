#include "lib/io/socket_address.h"

#include <netinet/in.h>

#include <array>
#include <cstring>

namespace posthaste::io {
namespace {

template <typename Raw>
SocketAddress wrap(const Raw& raw) {
  SocketAddress address;
  std::memcpy(&address.storage, &raw, sizeof raw);
  address.size = sizeof raw;
  return address;
}

}  // namespace

SocketAddress socket_address(const Endpoint& endpoint) {
  if (endpoint.address.v6) {
    sockaddr_in6 raw{};
    raw.sin6_family = AF_INET6;
    raw.sin6_port = htons(endpoint.port);
    std::memcpy(&raw.sin6_addr, endpoint.address.bytes.data(), 16);
    return wrap(raw);
  }
  sockaddr_in raw{};
  raw.sin_family = AF_INET;
  raw.sin_port = htons(endpoint.port);
  std::memcpy(&raw.sin_addr, endpoint.address.bytes.data(), 4);
  return wrap(raw);
}

std::optional<Endpoint> endpoint_of(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET) {
    sockaddr_in raw{};
    std::memcpy(&raw, &storage, sizeof raw);
    std::array<std::uint8_t, 4> octets{};
    std::memcpy(octets.data(), &raw.sin_addr, octets.size());
    return Endpoint{ipv4(octets[0], octets[1], octets[2], octets[3]), ntohs(raw.sin_port)};
  }
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 raw{};
    std::memcpy(&raw, &storage, sizeof raw);
    std::array<std::uint8_t, 16> octets{};
    std::memcpy(octets.data(), &raw.sin6_addr, octets.size());
    return Endpoint{ipv6(octets), ntohs(raw.sin6_port)};
  }
  return std::nullopt;
}

}  // namespace posthaste::io
