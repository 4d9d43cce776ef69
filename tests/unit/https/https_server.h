// HttpsServer: an HTTPS server of our own on loopback, which may answer whatever a test likes. Each
// connection has a thread, until the server goes.
//
// Does not     know HTTP beyond finding the end of a request.
#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "lib/io/fd.h"
#include "lib/tls/openssl.h"
#include "tests/unit/tls/test_certificates.h"

namespace posthaste::https {

// Reads what has come; empty at the end.
std::string ssl_read(SSL* ssl);
void ssl_write(SSL* ssl, const std::string& bytes);
// Swallows whatever comes until the end.
void swallow(int fd);

class HttpsServer {
 public:
  // Gets the request and answers with ssl_write(); the connection is closed afterwards.
  using Respond = std::function<void(SSL* ssl, const std::string& request)>;

  HttpsServer(const tls::TestCertificate& certificate, Respond respond,
              int version_max = TLS1_3_VERSION);
  ~HttpsServer();
  HttpsServer(const HttpsServer&) = delete;
  HttpsServer& operator=(const HttpsServer&) = delete;

  std::uint16_t port() const { return port_; }
  int connections() const { return connections_; }
  int at_a_time_max() const { return at_a_time_max_; }

 private:
  void accept_all();
  void serve(int fd);

  const tls::SslCtxPtr context_;
  const Respond respond_;
  io::Fd listening_;
  std::uint16_t port_ = 0;
  std::atomic<int> connections_{0}, at_a_time_{0}, at_a_time_max_{0};
  std::mutex mutex_;
  std::set<int> open_;                // guarded by mutex_
  std::vector<std::thread> threads_;  // the accepting thread's, until that is joined
  std::thread accepting_;
};

// A whole response. `headers`: lines, each with its CRLF.
std::string response(int status, const std::string& headers, const std::string& body);

}  // namespace posthaste::https
