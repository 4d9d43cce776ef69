// What the tests of lib/tls talk to: OpenSSL servers and clients of every odd kind, each in a
// thread of its own at the other end of a loopback connection; and a way to drive a TlsStream to
// its end.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "lib/tls/context.h"
#include "lib/tls/openssl.h"
#include "tests/unit/io/test_sockets.h"
#include "tests/unit/tls/test_certificates.h"

namespace posthaste::tls {

// Profiles as an operator's ladder would have them.
policy::TlsProfile compat_profile();   // adds DHE and static RSA
policy::TlsProfile antique_profile();  // and TLS 1.0, 1.1

// What a policy asks for, by the simplest demand that does.
using Demand = std::shared_ptr<const policy::TlsDemand>;
Demand demand_name(const std::string& name, const policy::TrustStore& trust);

// A server as other people run them: made with OpenSSL directly, at security level 0.
struct OtherServer {
  TestCertificate certificate = {};
  std::string chain_pem = {};  // intermediates, and perhaps the root
  int min_version = 0, max_version = 0;
  std::string ciphers = "ALL";
  std::function<void(SSL_CTX*)> adjust = [](SSL_CTX*) {};

  SslCtxPtr make() const;
};

// The far end of a connection, run in a thread until it is joined.
class FarEnd {
 public:
  // Something that is no TLS server at all, on a port of its own.
  static FarEnd raw(std::function<void(int fd)> behaviour);
  // Accepts and then does as told; hangs up politely afterwards, also if accepting failed.
  // `listening`: a socket to be reached by, for more than one connection to one port.
  static FarEnd server(SSL_CTX* context, std::function<void(SSL*)> behaviour = {},
                       const io::Fd* listening = nullptr);
  FarEnd(FarEnd&&) = default;
  ~FarEnd();

  int fd() const { return near_.get(); }  // our end, non-blocking
  void hang_up() { near_.reset(); }

 private:
  FarEnd(std::pair<io::Fd, io::Fd> ends, std::function<void(io::Fd)> behaviour);
  io::Fd near_;
  std::thread thread_;
};

// Waits for the socket as often as it takes. Fails the test after ten seconds of silence.
io::IoResult drive(int fd, const std::function<io::IoResult()>& step);
io::IoResult drive_handshake(TlsStream& stream, int fd);
// Reads once, to the first bytes or the end.
std::pair<io::IoResult, std::string> read_some(TlsStream& stream, int fd);
void write_all(TlsStream& stream, int fd, const std::string& bytes);

// Blocking helpers for the far end.
std::string ssl_read(SSL* ssl);  // empty at the end
void ssl_write(SSL* ssl, const std::string& bytes);
// Swallows whatever comes until the end of the file.
void swallow(int fd);
// Reads one TLS record (the ClientHello).
void read_record(int fd);
void send_bytes(int fd, const std::string& bytes);

}  // namespace posthaste::tls
