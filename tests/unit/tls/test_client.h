// A client of ours that talks to other people's servers, always at the same port, so that what it
// has kept of one connection can serve the next.
//
// Does not     bring certificates along: see test_certificates.h.
#pragma once

#include <memory>
#include <string>

#include "tests/unit/tls/test_peer.h"

namespace posthaste::tls {

// How a connection went.
struct Attempt {
  bool up = false;
  policy::TlsFacts facts;  // where it is up
  policy::TlsFailure failure = policy::TlsFailure::kNone;
  std::string words;
};

class TestClient {
 public:
  // With a context as the demand's trust and identity want it.
  explicit TestClient(const Demand& demand,
                      const policy::TlsProfile& profile = policy::modern_profile());
  // One whole connection: a handshake, a line of the server's (and with it its tickets), the end.
  Attempt connect(SSL_CTX* server, const Demand& demand,
                  const std::string& host = "mx.example.com");

 private:
  std::unique_ptr<ClientContext> context_;
  io::Fd listening_;
};

// A single connection.
Attempt connect_once(SSL_CTX* server, const Demand& demand,
                     const policy::TlsProfile& profile = policy::modern_profile());

// A server with that certificate, of one version only.
SslCtxPtr server_with(const TestCertificate& certificate, int version = 0,
                      const std::string& chain_pem = {});

}  // namespace posthaste::tls
