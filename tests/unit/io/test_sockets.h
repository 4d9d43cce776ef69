// Sockets and a listening ear for the tests of lib/io and lib/tls: only loopback, only ports that
// the kernel chose.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "lib/io/connection.h"
#include "lib/io/listener.h"
#include "lib/io/socket_address.h"

namespace posthaste::io {

inline Endpoint any_port() { return {ipv4(127, 0, 0, 1), 0}; }

// Two ends of one TCP connection to `listening`, both blocking: the one that connected, and the
// one that was accepted.
inline std::pair<Fd, Fd> tcp_pair_at(int listening, int buffer_bytes = 0) {
  const SocketAddress address = socket_address(local_endpoint(listening));
  Fd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (buffer_bytes > 0) {
    setsockopt(client.get(), SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof buffer_bytes);
    setsockopt(listening, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
  }
  EXPECT_EQ(connect(client.get(), address.get(), address.size), 0);
  Fd server(accept4(listening, nullptr, nullptr, SOCK_CLOEXEC));
  EXPECT_TRUE(server);
  return {std::move(client), std::move(server)};
}

// The same on a port of its own; with small buffers from the first end to the second, if asked for.
inline std::pair<Fd, Fd> tcp_pair(int buffer_bytes = 0) {
  auto listening = listen_tcp(any_port(), false);
  EXPECT_TRUE(listening);
  return tcp_pair_at(listening->get(), buffer_bytes);
}

// Runs `loop` until it is stopped; a test that hangs fails after ten seconds.
inline void run_bounded(Loop& loop) {
  Timer too_late(loop, [&] {
    ADD_FAILURE() << "nothing happened for ten seconds";
    loop.stop();
  });
  too_late.set(loop.now() + std::chrono::seconds(10));
  loop.run();
}

// Writes down what it hears, and does what the test says then.
class Recorder final : public Connection::Handler {
 public:
  void on_connected() override { note("connected"); }
  void on_connect_error(int error) override {
    last_errno = error;
    note("connect_error");
  }
  void on_bytes(std::string_view data) override {
    received += data;
    if (bytes) return bytes(data);
    note("bytes");
  }
  void on_handshake(IoResult result) override {
    last = result;
    note("handshake");
  }
  void on_written() override { note("written"); }
  void on_gone(IoResult result) override {
    last = result;
    last_errno = result.sys_errno;
    note("gone");
  }

  bool heard(const std::string& event) const {
    return std::find(events.begin(), events.end(), event) != events.end();
  }

  std::function<void(std::string_view)> bytes;  // instead of noting them
  std::function<void(const std::string&)> then = [](const std::string&) {};
  std::vector<std::string> events;
  std::string received;
  IoResult last;
  int last_errno = 0;

 private:
  void note(const std::string& event) {
    events.push_back(event);
    then(event);
  }
};

}  // namespace posthaste::io
