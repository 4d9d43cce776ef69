// How listening sockets are made: by hand, for libuv 1.44 knows no SO_REUSEPORT.
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "lib/base/check.h"
#include "lib/io/listener.h"
#include "lib/io/socket_address.h"

namespace posthaste::io {
namespace {

constexpr int kBacklog = 4096;  // the kernel lowers it to net.core.somaxconn

tl::unexpected<Error> tcp_trouble(const Endpoint& at, const char* step, int error) {
  const std::string where = render_endpoint(at);
  switch (error) {
    case EADDRINUSE:
      return fail(ErrorCode::kBusy,
                  fmt::format("{} is in use: another program listens there (see ss -ltnp); stop it "
                              "or choose another port",
                              where));
    case EADDRNOTAVAIL:
      return fail(
          ErrorCode::kInvalid,
          fmt::format("{} is no address of this machine: choose one that `ip address` shows, "
                      "or 0.0.0.0 or [::] for all",
                      where));
    case EACCES:
    case EPERM:
      return fail(ErrorCode::kIo, fmt::format("not allowed to listen on {}: ports below 1024 need "
                                              "CAP_NET_BIND_SERVICE, or a socket from systemd",
                                              where));
    default:
      return fail(ErrorCode::kIo,
                  fmt::format("cannot listen on {}: {}: {}", where, step, std::strerror(error)));
  }
}

tl::unexpected<Error> unix_trouble(const std::string& path, const char* step, int error) {
  switch (error) {
    case ENOENT:
      return fail(ErrorCode::kInvalid,
                  fmt::format("cannot make the socket {}: its folder does not exist", path));
    case EACCES:
    case EPERM:
    case EROFS:
      return fail(ErrorCode::kIo, fmt::format("cannot make the socket {}: {}: {}; may this user "
                                              "write to its folder?",
                                              path, step, std::strerror(error)));
    default:
      return fail(ErrorCode::kIo, fmt::format("cannot make the socket {}: {}: {}", path, step,
                                              std::strerror(error)));
  }
}

bool set_on(int fd, int level, int option) {
  const int on = 1;
  return setsockopt(fd, level, option, &on, sizeof on) == 0;
}

// Something is in the way at `path`: removes it if it is a socket that nobody listens on any more.
Status remove_stale(const std::string& path, const sockaddr_un& address) {
  struct stat found {};
  if (lstat(path.c_str(), &found) != 0) return {};
  if (!S_ISSOCK(found.st_mode)) {
    return fail(ErrorCode::kInvalid,
                fmt::format("cannot make the socket {}: a file of that name exists", path));
  }
  const Fd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!probe) return unix_trouble(path, "socket", errno);
  if (connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
      errno != ECONNREFUSED) {
    return fail(ErrorCode::kBusy,
                fmt::format("the socket {} is in use: is another instance running?", path));
  }
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return unix_trouble(path, "unlink", errno);
  return {};
}

}  // namespace

Result<Fd> listen_tcp(const Endpoint& at, bool reuse_port) {
  const int family = at.address.v6 ? AF_INET6 : AF_INET;
  Fd fd(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return tcp_trouble(at, "socket", errno);
  if (!set_on(fd.get(), SOL_SOCKET, SO_REUSEADDR)) return tcp_trouble(at, "SO_REUSEADDR", errno);
  if (reuse_port && !set_on(fd.get(), SOL_SOCKET, SO_REUSEPORT)) {
    return tcp_trouble(at, "SO_REUSEPORT", errno);
  }
  if (at.address.v6 && !set_on(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY)) {
    return tcp_trouble(at, "IPV6_V6ONLY", errno);
  }
  const SocketAddress address = socket_address(at);
  if (bind(fd.get(), address.get(), address.size) != 0) return tcp_trouble(at, "bind", errno);
  if (listen(fd.get(), kBacklog) != 0) return tcp_trouble(at, "listen", errno);
  return fd;
}

Result<Fd> listen_unix(const std::string& path, unsigned mode) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return fail(ErrorCode::kInvalid,
                fmt::format("cannot make the socket \"{}\": its path must have 1 to {} octets",
                            path, sizeof address.sun_path - 1));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  if (auto removed = remove_stale(path, address); !removed) return tl::unexpected(removed.error());
  Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return unix_trouble(path, "socket", errno);
  // bind() takes the mode from the socket itself: there is no instant in which more is allowed than
  // asked for.
  if (fchmod(fd.get(), mode) != 0) return unix_trouble(path, "fchmod", errno);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return unix_trouble(path, "bind", errno);
  }
  if (chmod(path.c_str(), mode) != 0) return unix_trouble(path, "chmod", errno);  // past the umask
  if (listen(fd.get(), kBacklog) != 0) return unix_trouble(path, "listen", errno);
  return fd;
}

Endpoint local_endpoint(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  CHECK(getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) == 0);
  const auto endpoint = endpoint_of(storage);
  CHECK(endpoint.has_value());
  return *endpoint;
}

}  // namespace posthaste::io
