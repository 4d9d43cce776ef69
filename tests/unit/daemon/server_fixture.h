// An HttpServer with a loop and a thread of its own, and a client that blocks; for tests.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cstdio>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "daemon/http_server.h"
#include "lib/io/mailbox.h"
#include "lib/io/socket_address.h"

namespace posthaste::daemon {

class ServerThread {
 public:
  ServerThread(io::Fd listening, HttpHandler handler, HttpServer::Options options = {})
      : mailbox_(loop_, 100, [this] { on_mail(); }),
        server_(std::make_unique<HttpServer>(
            loop_, std::move(listening), std::move(handler), [](const Error&) {}, options)),
        thread_([this] { loop_.run(); }) {}
  ~ServerThread() {
    loop_.stop_from_any_thread();
    thread_.join();
  }

  HttpServer& server() { return *server_; }
  // Runs `work` in the loop's thread; any thread.
  void post(std::function<void()> work) { mailbox_.push(std::move(work)); }

 private:
  void on_mail() {
    std::vector<std::function<void()>> mail;
    mailbox_.take_all(mail);
    for (const auto& work : mail) work();
  }

  io::Loop loop_;
  io::Mailbox<std::function<void()>> mailbox_;
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
};

class Client {
 public:
  explicit Client(const Endpoint& to) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{.tv_sec = 20, .tv_usec = 0};
    setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const auto address = io::socket_address(to);
    EXPECT_EQ(::connect(socket_.get(), address.get(), address.size), 0);
  }

  void send(std::string_view bytes) const {
    EXPECT_EQ(::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  // One response: head, and body of its Content-Length. What was read before the end came, if it
  // came too soon.
  std::string receive(bool head_only = false) {
    while (buffer_.find("\r\n\r\n") == std::string::npos && read_some()) {
    }
    const std::size_t head = buffer_.find("\r\n\r\n");
    if (head == std::string::npos) return take(buffer_.size());
    std::size_t body = 0;
    const std::size_t field = buffer_.find("Content-Length: ");
    if (field < head) (void)std::sscanf(buffer_.c_str() + field + 16, "%zu", &body);
    const std::size_t size = head + 4 + (head_only ? 0 : body);
    while (buffer_.size() < size && read_some()) {
    }
    return take(std::min(size, buffer_.size()));
  }
  // One SMTP reply of one or more lines. What was read before the end came, if it came too soon.
  std::string reply() {
    for (std::size_t at = 0;;) {
      std::size_t end = 0;
      while ((end = buffer_.find("\r\n", at)) == std::string::npos) {
        if (!read_some()) return take(buffer_.size());
      }
      if (end < at + 4 || buffer_[at + 3] == ' ') return take(end + 2);
      at = end + 2;
    }
  }
  // True once the server has closed; false after 20 s, or when more data came.
  bool ended() { return buffer_.empty() && !read_some() && end_seen_; }
  void hang_up() { socket_.reset(); }
  // The same by RST, which the server notices even while it does not read.
  void break_off() {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    socket_.reset();
  }
  int fd() const { return socket_.get(); }

 private:
  bool read_some() {
    char chunk[4096];
    const ssize_t count = ::recv(socket_.get(), chunk, sizeof chunk, 0);
    end_seen_ = count == 0;
    if (count <= 0) return false;
    buffer_.append(chunk, static_cast<std::size_t>(count));
    return true;
  }
  std::string take(std::size_t size) {
    std::string taken = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return taken;
  }

  io::Fd socket_;
  std::string buffer_;
  bool end_seen_ = false;
};

}  // namespace posthaste::daemon
