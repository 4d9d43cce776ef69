// Every way in which a handshake can fail on the wire, against a peer that really does it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/dh.h>

#include <cerrno>

#include "tests/unit/tls/test_peer.h"

namespace posthaste::tls {
namespace {

using policy::TlsFailure;
using policy::TlsProfile;
using policy::TlsVersion;
using ::testing::HasSubstr;

const TestCertificate& rsa_certificate() {
  static const TestCertificate certificate =
      make_self_signed({.key = CertificateOrder::Key::kRsa2048});
  return certificate;
}

struct Outcome {
  TlsFailure failure = TlsFailure::kNone;
  std::string words;
};

Outcome connect_to(const FarEnd& far, const TlsProfile& profile = policy::modern_profile()) {
  auto context = ClientContext::make(profile);
  EXPECT_TRUE(context) << context.error().words;
  auto stream = TlsStream::client(**context, far.fd(), MxName("mx.example.com"));
  EXPECT_TRUE(stream);
  const io::IoResult result = drive_handshake(**stream, far.fd());
  EXPECT_TRUE(result.status == io::IoStatus::kError || result.status == io::IoStatus::kEof);
  EXPECT_EQ((*stream)->handshake().status, io::IoStatus::kError) << "and stays so";
  EXPECT_FALSE((*stream)->failure_words().empty());
  return {(*stream)->failure(), (*stream)->failure_words()};
}

Outcome connect_to(const OtherServer& server,
                   const TlsProfile& profile = policy::modern_profile()) {
  const SslCtxPtr context = server.make();
  return connect_to(FarEnd::server(context.get()), profile);
}

FarEnd answers(const std::string& bytes) {
  return FarEnd::raw([bytes](int fd) {
    read_record(fd);
    send_bytes(fd, bytes);
    shutdown(fd, SHUT_WR);
    swallow(fd);
  });
}

FarEnd alerts(int alert) {
  return answers(std::string("\x15\x03\x03\x00\x02\x02", 6) + static_cast<char>(alert));
}

TEST(HandshakeFailure, NoCommonCipherWithAServerOfStaticRsa) {
  const auto outcome = connect_to({.certificate = rsa_certificate(),
                                   .max_version = TLS1_2_VERSION,
                                   .ciphers = "AES256-GCM-SHA384"});
  EXPECT_EQ(outcome.failure, TlsFailure::kPeerHandshakeFailure);
  EXPECT_EQ(outcome.words, "TLS alert 40 (handshake failure) from the peer");
}

TEST(HandshakeFailure, NoCommonGroup) {
  TlsProfile profile = policy::modern_profile();
  profile.groups = "P-521";
  const auto outcome =
      connect_to({.certificate = rsa_certificate(),
                  .max_version = TLS1_2_VERSION,
                  .adjust = [](SSL_CTX* context) { SSL_CTX_set1_groups_list(context, "X25519"); }},
                 profile);
  EXPECT_EQ(outcome.failure, TlsFailure::kPeerHandshakeFailure);
}

TEST(HandshakeFailure, ClientCertificateDemandedInTls12) {
  const auto outcome = connect_to(
      {.certificate = rsa_certificate(),
       .max_version = TLS1_2_VERSION,
       .adjust = [](SSL_CTX* context) {
         SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
       }});
  EXPECT_EQ(outcome.failure, TlsFailure::kPeerHandshakeFailure);
  EXPECT_THAT(outcome.words, HasSubstr("asked for a certificate of ours"));
}

TEST(HandshakeFailure, ServerTooNewAndServerTooOld) {
  TlsProfile reduced = policy::modern_profile();
  reduced.max_version = TlsVersion::kTls12;
  EXPECT_EQ(connect_to({.certificate = rsa_certificate(), .min_version = TLS1_3_VERSION}, reduced)
                .failure,
            TlsFailure::kProtocolVersion);
  TlsProfile newest = policy::modern_profile();
  newest.min_version = TlsVersion::kTls13;
  EXPECT_EQ(
      connect_to({.certificate = rsa_certificate(), .max_version = TLS1_2_VERSION}, newest).failure,
      TlsFailure::kProtocolVersion);
  EXPECT_EQ(connect_to({.certificate = rsa_certificate(), .max_version = TLS1_1_VERSION}).failure,
            TlsFailure::kProtocolVersion);
}

TEST(HandshakeFailure, ServerThatAnswersWithAVersionThatWasNotOffered) {
  // A ServerHello of TLS 1.0 to a client that begins at 1.2.
  const std::string body = std::string("\x03\x01", 2) + std::string(32, 'r') +
                           std::string("\x00\xC0\x14\x00\x00\x00", 6);
  const std::string hello = std::string("\x02\x00\x00", 3) + static_cast<char>(body.size()) + body;
  const auto record = std::string("\x16\x03\x01\x00", 4) + static_cast<char>(hello.size()) + hello;
  EXPECT_EQ(connect_to(answers(record)).failure, TlsFailure::kProtocolVersion);
}

TEST(HandshakeFailure, PlaintextAndHttpInsteadOfTls) {
  for (const char* words : {"220 mx.example.com ESMTP\r\n", "454 4.7.0 TLS not available\r\n",
                            "HTTP/1.1 400 Bad Request\r\n\r\n"}) {
    EXPECT_EQ(connect_to(answers(words)).failure, TlsFailure::kNotTls) << words;
  }
}

TEST(HandshakeFailure, DhTooSmall) {
  TlsProfile profile = compat_profile();
  profile.security_level = 2;
  const auto outcome =
      connect_to({.certificate = rsa_certificate(),
                  .max_version = TLS1_2_VERSION,
                  .ciphers = "DHE-RSA-AES128-GCM-SHA256",
                  .adjust =
                      [](SSL_CTX* context) {
                        EVP_PKEY_CTX* making = EVP_PKEY_CTX_new_from_name(nullptr, "DH", nullptr);
                        EVP_PKEY* parameters = nullptr;
                        ASSERT_EQ(EVP_PKEY_paramgen_init(making), 1);
                        ASSERT_EQ(EVP_PKEY_CTX_set_dh_nid(making, NID_modp_1536), 1);
                        ASSERT_EQ(EVP_PKEY_paramgen(making, &parameters), 1);
                        ASSERT_EQ(SSL_CTX_set0_tmp_dh_pkey(context, parameters), 1);
                        EVP_PKEY_CTX_free(making);
                      }},
                 profile);
  EXPECT_EQ(outcome.failure, TlsFailure::kWeakKeyExchange);
}

TEST(HandshakeFailure, Sha1SignatureInTls11) {
  TlsProfile profile = antique_profile();
  profile.max_version = TlsVersion::kTls11;
  profile.security_level = 1;
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    EXPECT_EQ(connect_to({.certificate = rsa_certificate(),
                          .min_version = version,
                          .max_version = version,
                          .ciphers = "ECDHE-RSA-AES128-SHA"},
                         profile)
                  .failure,
              TlsFailure::kWeakSignature);
  }
}

TEST(HandshakeFailure, NoSecureRenegotiation) {
  // A ServerHello of TLS 1.2 without any extension.
  const std::string body =
      std::string("\x03\x03", 2) + std::string(32, 'r') + std::string("\x00\xC0\x2F\x00", 4);
  const std::string hello = std::string("\x02\x00\x00", 3) + static_cast<char>(body.size()) + body;
  const auto record = std::string("\x16\x03\x03\x00", 4) + static_cast<char>(hello.size()) + hello;
  EXPECT_EQ(connect_to(answers(record)).failure, TlsFailure::kLegacyRenegotiation);
}

TEST(HandshakeFailure, FinInTheHandshake) {
  const auto outcome = connect_to(answers(""));
  EXPECT_EQ(outcome.failure, TlsFailure::kClosed);
  EXPECT_EQ(connect_to(answers(std::string("\x16\x03\x03\x00\x40\x02", 6))).failure,
            TlsFailure::kClosed);
}

TEST(HandshakeFailure, RstInTheHandshake) {
  const auto outcome = connect_to(FarEnd::raw([](int fd) {
    read_record(fd);
    const linger at_once{1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }));
  EXPECT_EQ(outcome.failure, TlsFailure::kReset);
}

TEST(HandshakeFailure, MalformedHandshake) {
  EXPECT_EQ(connect_to(answers(std::string("\x16\x03\x03\x00\x08\x02\x00\x00\x04\x03\x03zz", 13)))
                .failure,
            TlsFailure::kProtocolError);
  EXPECT_EQ(connect_to(answers(std::string("\x17\x03\x03\x00\x02hi", 7))).failure,
            TlsFailure::kProtocolError);
}

TEST(HandshakeFailure, AlertsByTheirNumbers) {
  EXPECT_EQ(connect_to(alerts(40)).failure, TlsFailure::kPeerHandshakeFailure);
  EXPECT_EQ(connect_to(alerts(70)).failure, TlsFailure::kProtocolVersion);
  EXPECT_EQ(connect_to(alerts(71)).failure, TlsFailure::kPeerInsufficientSecurity);
  EXPECT_EQ(connect_to(alerts(80)).failure, TlsFailure::kPeerInternalError);
  EXPECT_EQ(connect_to(alerts(86)).failure, TlsFailure::kProtocolVersion);
  EXPECT_EQ(connect_to(alerts(112)).failure, TlsFailure::kPeerUnrecognizedName);
  EXPECT_EQ(connect_to(alerts(48)).failure, TlsFailure::kPeerRejectedOurCert);
  EXPECT_EQ(connect_to(alerts(116)).failure, TlsFailure::kClientCertRequired);
  EXPECT_EQ(connect_to(alerts(50)).failure, TlsFailure::kPeerAlertOther);
  EXPECT_EQ(connect_to(alerts(110)).failure, TlsFailure::kPeerAlertOther);
}

// TLS 1.3: the client is up before the server has looked at its certificate.
class LateAlert : public ::testing::Test {
 protected:
  Outcome first_read(const std::function<void(SSL_CTX*)>& adjust) {
    const SslCtxPtr server =
        OtherServer{
            .certificate = rsa_certificate(), .min_version = TLS1_3_VERSION, .adjust = adjust}
            .make();
    const FarEnd far = FarEnd::server(server.get());
    auto context = ClientContext::make(policy::modern_profile());
    auto stream = TlsStream::client(**context, far.fd(), MxName("mx.example.com"));
    EXPECT_EQ(drive_handshake(**stream, far.fd()).status, io::IoStatus::kOk);
    EXPECT_EQ((*stream)->failure(), TlsFailure::kNone);
    EXPECT_EQ(read_some(**stream, far.fd()).first.status, io::IoStatus::kError);
    return {(*stream)->failure(), (*stream)->failure_words()};
  }
};

TEST_F(LateAlert, ServerOfTls13WantsACertificate) {
  const auto outcome = first_read([](SSL_CTX* context) {
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  });
  EXPECT_EQ(outcome.failure, TlsFailure::kClientCertRequired);
  EXPECT_THAT(outcome.words, HasSubstr("116"));
}

TEST_F(LateAlert, CanStillBeReadAfterAWriteHasFailed) {
  const FarEnd far = FarEnd::raw([](int fd) {
    const SslCtxPtr server = OtherServer{
        .certificate = rsa_certificate(),
        .min_version = TLS1_3_VERSION,
        .adjust = [](SSL_CTX* context) {
          SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
        }}.make();
    const SslPtr ssl(SSL_new(server.get()));
    SSL_set_fd(ssl.get(), fd);
    EXPECT_EQ(SSL_accept(ssl.get()), -1);
  });  // and the socket is closed
  auto context = ClientContext::make(policy::modern_profile());
  auto stream = TlsStream::client(**context, far.fd(), MxName("mx.example.com"));
  ASSERT_EQ(drive_handshake(**stream, far.fd()).status, io::IoStatus::kOk);
  pollfd closed{far.fd(), POLLRDHUP, 0};
  ASSERT_EQ(poll(&closed, 1, 10'000), 1);
  const iovec ehlo{const_cast<char*>("EHLO a\r\n"), 8};
  io::IoResult written;
  for (int i = 0; i < 2 && written.status == io::IoStatus::kOk; ++i) {
    written = (*stream)->write(&ehlo, 1);  // the first one is answered with RST
  }
  EXPECT_EQ(written.status, io::IoStatus::kError);
  EXPECT_EQ((*stream)->failure(), TlsFailure::kNone);
  EXPECT_EQ(read_some(**stream, far.fd()).first.status, io::IoStatus::kError);
  EXPECT_EQ((*stream)->failure(), TlsFailure::kClientCertRequired);
}

// The other direction: what can go wrong with a client of ours.
class ServerSide : public ::testing::Test {
 protected:
  ServerSide() {
    const auto certificate = folder.write("cert.pem", rsa_certificate().certificate_pem);
    const auto key = folder.write("key.pem", rsa_certificate().key_pem);
    auto made = ServerContext::make({certificate, key}, nullptr);
    EXPECT_TRUE(made);
    context = std::move(*made);
  }
  TlsFailure accept_from(const FarEnd& far) {
    auto stream = TlsStream::server(*context, far.fd());
    EXPECT_NE(drive_handshake(**stream, far.fd()).status, io::IoStatus::kOk);
    return (*stream)->failure();
  }
  static FarEnd client(const std::function<void(SSL_CTX*)>& adjust) {
    return FarEnd::raw([adjust](int fd) {
      const SslCtxPtr client_context(SSL_CTX_new(TLS_client_method()));
      adjust(client_context.get());
      const SslPtr ssl(SSL_new(client_context.get()));
      SSL_set_fd(ssl.get(), fd);
      EXPECT_EQ(SSL_connect(ssl.get()), -1);
      shutdown(fd, SHUT_WR);
      swallow(fd);
    });
  }
  CertificateFolder folder;
  std::unique_ptr<ServerContext> context;
};

TEST_F(ServerSide, NoCommonCipherAndNoCommonVersion) {
  EXPECT_EQ(accept_from(client([](SSL_CTX* other) {
              SSL_CTX_set_max_proto_version(other, TLS1_2_VERSION);
              SSL_CTX_set_cipher_list(other, "AES256-GCM-SHA384");
            })),
            TlsFailure::kPeerHandshakeFailure);
  EXPECT_EQ(accept_from(client([](SSL_CTX* other) {
              SSL_CTX_set_security_level(other, 0);
              SSL_CTX_set_max_proto_version(other, TLS1_1_VERSION);
            })),
            TlsFailure::kProtocolVersion);
}

TEST_F(ServerSide, ClientThatDoesNotTrustOurCertificate) {
  EXPECT_EQ(accept_from(client(
                [](SSL_CTX* other) { SSL_CTX_set_verify(other, SSL_VERIFY_PEER, nullptr); })),
            TlsFailure::kPeerRejectedOurCert);
}

TEST_F(ServerSide, PlaintextAndHttpInsteadOfAClientHello) {
  for (const char* words : {"EHLO client.example.com\r\n", "GET / HTTP/1.1\r\n\r\n"}) {
    EXPECT_EQ(accept_from(FarEnd::raw([words](int fd) {
                send_bytes(fd, words);
                swallow(fd);
              })),
              TlsFailure::kNotTls)
        << words;
  }
}

TEST_F(ServerSide, ClientThatHangsUp) {
  EXPECT_EQ(accept_from(FarEnd::raw([](int) {})), TlsFailure::kClosed);
}

}  // namespace
}  // namespace posthaste::tls
