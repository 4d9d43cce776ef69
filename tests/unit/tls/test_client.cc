#include "tests/unit/tls/test_client.h"

#include <utility>

#include "lib/base/check.h"

namespace posthaste::tls {
namespace {

void greet(SSL* ssl) {
  ssl_write(ssl, "250 ok\r\n");
  ssl_read(ssl);
}

}  // namespace

TestClient::TestClient(const Demand& demand, const policy::TlsProfile& profile)
    : listening_(std::move(*io::listen_tcp(io::any_port(), false))) {
  auto made = demand ? ClientContext::make(profile, demand->trust, demand->identity)
                     : ClientContext::make(profile);
  EXPECT_TRUE(made) << made.error().words;
  CHECK(made);
  context_ = std::move(*made);
}

Attempt TestClient::connect(SSL_CTX* server, const Demand& demand, const std::string& host) {
  const FarEnd far = FarEnd::server(server, greet, &listening_);
  auto stream = TlsStream::client(*context_, far.fd(), MxName(host), demand);
  EXPECT_TRUE(stream) << stream.error().words;
  CHECK(stream);
  if (drive_handshake(**stream, far.fd()).status != io::IoStatus::kOk) {
    return {false, {}, (*stream)->failure(), (*stream)->failure_words()};
  }
  EXPECT_EQ(read_some(**stream, far.fd()).second, "250 ok\r\n");
  (*stream)->shutdown();
  return {true, (*stream)->facts(), (*stream)->failure(), (*stream)->failure_words()};
}

Attempt connect_once(SSL_CTX* server, const Demand& demand, const policy::TlsProfile& profile) {
  return TestClient(demand, profile).connect(server, demand);
}

SslCtxPtr server_with(const TestCertificate& certificate, int version,
                      const std::string& chain_pem) {
  return OtherServer{.certificate = certificate,
                     .chain_pem = chain_pem,
                     .min_version = version,
                     .max_version = version}
      .make();
}

}  // namespace posthaste::tls
