// SocketAddress: an Endpoint as the kernel writes it, and back.
//
// Does not     resolve names.
#pragma once

#include <sys/socket.h>

#include <optional>

#include "lib/base/ip.h"

namespace posthaste::io {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

SocketAddress socket_address(const Endpoint& endpoint);
// nullopt: not an Internet address. IPv4-mapped IPv6 becomes IPv4.
std::optional<Endpoint> endpoint_of(const sockaddr_storage& storage);

}  // namespace posthaste::io
