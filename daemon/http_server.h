// HttpServer: answers HTTP/1.1 requests on one listening socket, for people and scrapers.
//
//   Reading --request--> Answering --respond--> Writing --all written--> Reading
//      '------ bad request, idle too long, "Connection: close" -----> closed
//
// Lifetime     not longer than its Loop. A Respond may outlive connection and server.
// Threads      the loop's; a Respond may be destroyed anywhere, but is called in the loop's thread.
// Limits       Options; requests as HttpRequestReader has them. One request of a connection at a
//              time: what a client sends ahead waits in the kernel.
// Does not     speak TLS, authenticate, compress, serve files.
#pragma once

#include <functional>
#include <memory>
#include <unordered_map>

#include "daemon/deadlines.h"
#include "daemon/http_message.h"
#include "lib/io/listener.h"
#include "lib/io/loop.h"

namespace posthaste::daemon {

// Answers one request, once; a second call is ignored, and so is one after the connection is gone.
using Respond = std::function<void(HttpResponse)>;
using HttpHandler = std::function<void(const HttpRequest&, Respond)>;

class HttpServer {
 public:
  struct Options {
    std::size_t connections_max = 64;
    // For a request to come, for its answer to be made, and for the answer to be taken.
    Duration patience = std::chrono::seconds(30);
  };

  // `on_trouble`: accepting has to pause, and why.
  HttpServer(io::Loop& loop, io::Fd listening, HttpHandler handler,
             std::function<void(const Error&)> on_trouble, Options options);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  int fd() const { return listener_.fd(); }
  std::size_t connections() const { return connections_.size(); }

 private:
  class Connection;
  void on_socket(io::Fd socket);
  void retire(Connection& connection);

  io::Loop& loop_;
  const HttpHandler handler_;
  const Options options_;
  Deadlines deadlines_;
  std::unordered_map<Connection*, std::shared_ptr<Connection>> connections_;
  io::Listener listener_;
};

}  // namespace posthaste::daemon
