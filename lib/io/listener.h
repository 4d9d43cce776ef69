// Listener: accepts connections on one endpoint for one Loop; several may share an endpoint
// (SO_REUSEPORT).
//
// Lifetime     may be destroyed inside its own callbacks.
// Threads      the loop's; listen_tcp and listen_unix from any.
// Limits       64 connections accepted before others have their turn.
// Does not     limit connections: its user closes those that are too many.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "lib/base/ip.h"
#include "lib/base/result.h"
#include "lib/io/fd.h"
#include "lib/io/loop.h"

namespace posthaste::io {

// A bound and listening TCP socket, non-blocking. An IPv6 one takes IPv6 only. Error: kBusy
// (address in use), kInvalid (not ours), kIo (no permission …), with the endpoint and the cure in
// the words.
Result<Fd> listen_tcp(const Endpoint& at, bool reuse_port);
// A Unix socket with the given mode; replaces a stale one. Error as above; kBusy when somebody
// answers there.
Result<Fd> listen_unix(const std::string& path, unsigned mode);
// Where a bound socket listens (for port 0). REQUIRES a TCP socket.
Endpoint local_endpoint(int fd);

class Listener {
 public:
  // `on_accept` gets a connected socket (non-blocking, close-on-exec) and where it came from
  // (nullopt: Unix socket). Out of descriptors or memory: accepting pauses for a second and
  // `on_trouble` is told (kFull).
  Listener(Loop& loop, Fd socket, std::function<void(Fd, std::optional<Endpoint>)> on_accept,
           std::function<void(Error)> on_trouble);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  int fd() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace posthaste::io
