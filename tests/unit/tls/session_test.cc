// Sessions that come up: what TlsFacts say of them, and which are resumed.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/x509_vfy.h>

#include <optional>

#include "tests/unit/tls/test_peer.h"

namespace posthaste::tls {
namespace {

using policy::TlsFacts;
using policy::TlsFailure;
using policy::TlsVersion;
using ::testing::HasSubstr;

// Says one line, so that the client reads its tickets, and waits for the end.
void greet(SSL* ssl) {
  ssl_write(ssl, "250 ok\r\n");
  ssl_read(ssl);
}

class Session : public ::testing::Test {
 protected:
  Session() { remake(policy::modern_profile()); }

  void remake(const policy::TlsProfile& profile) {
    auto made = ClientContext::make(profile, trust);
    ASSERT_TRUE(made) << made.error().words;
    context = std::move(*made);
  }
  SslCtxPtr server_of(int version, const std::string& ciphers = "ALL") {
    return OtherServer{.certificate = rsa_certificate(),
                       .min_version = version,
                       .max_version = version,
                       .ciphers = ciphers}
        .make();
  }
  // One whole connection; nullopt: no session.
  std::optional<TlsFacts> converse(SSL_CTX* server, const Demand& demand = nullptr,
                                   const std::string& host = "mx.example.com") {
    const FarEnd far = FarEnd::server(server, greet, &listening);
    auto stream = TlsStream::client(*context, far.fd(), MxName(host), demand);
    if (drive_handshake(**stream, far.fd()).status != io::IoStatus::kOk) {
      last_failure = (*stream)->failure();
      return std::nullopt;
    }
    EXPECT_EQ(read_some(**stream, far.fd()).second, "250 ok\r\n");
    (*stream)->shutdown();
    return (*stream)->facts();
  }

  CertificateFolder folder;
  static const TestCertificate& root() {
    static const TestCertificate made = make_self_signed(authority_order("Test Root"));
    return made;
  }
  // RSA, for static RSA's sake; made once, for it takes time.
  static const TestCertificate& rsa_certificate() {
    static const TestCertificate made =
        make_issued({.key = CertificateOrder::Key::kRsa2048}, root());
    return made;
  }
  const policy::TrustStore trust{folder.write("root.pem", root().certificate_pem), ""};
  const Demand verified = demand_name("mx.example.com", trust);
  io::Fd listening = std::move(*io::listen_tcp(io::any_port(), false));
  std::unique_ptr<ClientContext> context;
  TlsFailure last_failure = TlsFailure::kNone;
};

TEST_F(Session, OfTls13TellsItsFacts) {
  const auto server = server_of(TLS1_3_VERSION);
  const auto facts = converse(server.get());
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->version, "TLSv1.3");
  EXPECT_EQ(facts->cipher, "TLS_AES_128_GCM_SHA256");
  EXPECT_EQ(facts->group, "X25519");
  EXPECT_EQ(facts->profile, "modern");
  EXPECT_FALSE(facts->resumed);
  EXPECT_TRUE(facts->forward_secret);
  EXPECT_TRUE(facts->certificate_present);
  EXPECT_TRUE(facts->verified);
  EXPECT_EQ(facts->verify_code, X509_V_OK);
  EXPECT_EQ(facts->subject, "CN=mx.example.com");
}

TEST_F(Session, OfTls12TellsItsFacts) {
  const auto server = server_of(TLS1_2_VERSION, "ECDHE-RSA-AES256-GCM-SHA384");
  const auto facts = converse(server.get());
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->version, "TLSv1.2");
  EXPECT_EQ(facts->cipher, "ECDHE-RSA-AES256-GCM-SHA384");
  EXPECT_EQ(facts->group, "X25519");
  EXPECT_TRUE(facts->forward_secret);
  EXPECT_TRUE(facts->verified);
}

TEST_F(Session, OfStaticRsaIsNotForwardSecret) {
  remake(compat_profile());
  const auto server = server_of(TLS1_2_VERSION, "AES256-GCM-SHA384");
  const auto facts = converse(server.get());
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->cipher, "AES256-GCM-SHA384");
  EXPECT_FALSE(facts->forward_secret);
  EXPECT_EQ(facts->group, "");
  EXPECT_EQ(facts->profile, "compat");
}

TEST_F(Session, OfTls10ComesUpOnlyWithTheProfileThatSaysSo) {
  const auto server = server_of(TLS1_VERSION, "ECDHE-RSA-AES128-SHA");
  EXPECT_FALSE(converse(server.get()));
  EXPECT_EQ(last_failure, TlsFailure::kProtocolVersion);
  remake(antique_profile());
  const auto facts = converse(server.get());
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->version, "TLSv1");
}

// With nothing set, OpenSSL and Debian would let it pass, static RSA and all.
TEST_F(Session, OfTls10IsNotHadByStaticRsaEither) {
  const auto server = server_of(TLS1_VERSION, "AES128-SHA");
  EXPECT_FALSE(converse(server.get()));
  EXPECT_EQ(last_failure, TlsFailure::kProtocolVersion);
  remake(compat_profile());
  EXPECT_FALSE(converse(server.get()));
  EXPECT_EQ(last_failure, TlsFailure::kProtocolVersion);
}

TEST_F(Session, WhenResumedTellsTheChainThatTheServerSentWhenItWasMade) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    SCOPED_TRACE(version);
    remake(policy::modern_profile());
    const auto server = server_of(version);
    for (const bool resumed : {false, true, true}) {
      const FarEnd far = FarEnd::server(server.get(), greet, &listening);
      auto stream = TlsStream::client(*context, far.fd(), MxName("mx.example.com"));
      ASSERT_EQ(drive_handshake(**stream, far.fd()).status, io::IoStatus::kOk);
      EXPECT_EQ((*stream)->facts().resumed, resumed);
      const auto chain = (*stream)->chain();
      ASSERT_EQ(chain.size(), 1U);
      EXPECT_EQ(chain[0].fingerprint, (*stream)->facts().fingerprint);
      EXPECT_EQ(read_some(**stream, far.fd()).second, "250 ok\r\n");
      (*stream)->shutdown();
    }
  }
}

// A socket of which read(2) and write(2) say what no peer can make them say.
void spoil(int fd) {
  const int folder = ::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ASSERT_EQ(::dup2(folder, fd), fd);
  ::close(folder);
}

TEST_F(Session, ThatOurOwnSystemBreaksIsNoFailureOfTheHosts) {
  const auto server = server_of(TLS1_3_VERSION);
  const FarEnd early = FarEnd::server(server.get(), greet);
  auto stream = TlsStream::client(*context, early.fd(), MxName("mx.example.com"));
  spoil(early.fd());
  EXPECT_EQ((*stream)->handshake().status, io::IoStatus::kError);
  EXPECT_EQ((*stream)->failure(), TlsFailure::kLocalError);
  EXPECT_THAT((*stream)->failure_words(), HasSubstr("our own network or system"));

  const FarEnd late = FarEnd::server(server.get(), [](SSL* ssl) { ssl_read(ssl); });
  stream = TlsStream::client(*context, late.fd(), MxName("mx.example.com"));
  ASSERT_EQ(drive_handshake(**stream, late.fd()).status, io::IoStatus::kOk);
  spoil(late.fd());
  char byte = 0;
  EXPECT_EQ((*stream)->read(&byte, 1).status, io::IoStatus::kError);
  EXPECT_EQ((*stream)->failure(), TlsFailure::kNone) << "TLS was up";
}

TEST_F(Session, IsResumedFromTheSecondTimeOn) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    SCOPED_TRACE(version);
    remake(policy::modern_profile());
    const auto server = server_of(version);
    auto facts = converse(server.get());
    ASSERT_TRUE(facts);
    EXPECT_FALSE(facts->resumed);
    for (int i = 0; i < 5; ++i) {
      facts = converse(server.get());
      ASSERT_TRUE(facts);
      EXPECT_TRUE(facts->resumed) << i;
      EXPECT_TRUE(facts->verified);
      EXPECT_EQ(facts->subject, "CN=mx.example.com");
      EXPECT_TRUE(facts->forward_secret);
    }
  }
}

TEST_F(Session, IsResumedThoughTheServerHungUpWithoutGoodbye) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    SCOPED_TRACE(version);
    remake(policy::modern_profile());
    const auto server = server_of(version);
    for (const bool resumed : {false, true, true}) {
      FarEnd far = FarEnd::server(
          server.get(),
          [](SSL* ssl) {
            ssl_write(ssl, "221 bye\r\n");
            SSL_set_quiet_shutdown(ssl, 1);
          },
          &listening);
      auto stream = TlsStream::client(*context, far.fd(), MxName("mx.example.com"));
      ASSERT_EQ(drive_handshake(**stream, far.fd()).status, io::IoStatus::kOk);
      EXPECT_EQ((*stream)->facts().resumed, resumed);
      EXPECT_EQ(read_some(**stream, far.fd()).second, "221 bye\r\n");
      EXPECT_EQ(read_some(**stream, far.fd()).first.status, io::IoStatus::kEof);
      EXPECT_EQ((*stream)->failure(), TlsFailure::kNone);
    }
  }
}

// OpenSSL counts a session whose SSL goes without SSL_shutdown as broken.
TEST_F(Session, IsResumedThoughWeDroppedTheConnection) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    SCOPED_TRACE(version);
    remake(policy::modern_profile());
    const auto server = server_of(version);
    for (const bool resumed : {false, true, true}) {
      const FarEnd far = FarEnd::server(server.get(), greet, &listening);
      auto stream = TlsStream::client(*context, far.fd(), MxName("mx.example.com"));
      ASSERT_EQ(drive_handshake(**stream, far.fd()).status, io::IoStatus::kOk);
      EXPECT_EQ((*stream)->facts().resumed, resumed);
      EXPECT_EQ(read_some(**stream, far.fd()).second, "250 ok\r\n");
    }
  }
}

TEST_F(Session, IsNotResumedForAnotherNamePortProfileOrVerification) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    SCOPED_TRACE(version);
    remake(policy::modern_profile());
    const auto server = server_of(version);
    ASSERT_TRUE(converse(server.get()));
    const auto other_name = converse(server.get(), nullptr, "other.example.com");
    ASSERT_TRUE(other_name);
    EXPECT_FALSE(other_name->resumed);
    EXPECT_EQ(other_name->verify_code, X509_V_ERR_HOSTNAME_MISMATCH);
    const auto enforced = converse(server.get(), verified);
    ASSERT_TRUE(enforced);
    EXPECT_FALSE(enforced->resumed);
    auto elsewhere = io::listen_tcp(io::any_port(), false);
    std::swap(listening, *elsewhere);
    const auto other_port = converse(server.get());
    ASSERT_TRUE(other_port);
    EXPECT_FALSE(other_port->resumed);
    std::swap(listening, *elsewhere);
    const auto again = converse(server.get());
    ASSERT_TRUE(again);
    EXPECT_TRUE(again->resumed);
  }
}

TEST_F(Session, KeepsItsVerdictWhenResumedAndNeverPassesWhereItMustBeVerified) {
  const auto stranger = make_self_signed({});
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    SCOPED_TRACE(version);
    remake(policy::modern_profile());
    const auto server =
        OtherServer{.certificate = stranger, .min_version = version, .max_version = version}.make();
    for (const bool resumed : {false, true}) {
      const auto facts = converse(server.get());
      ASSERT_TRUE(facts);
      EXPECT_EQ(facts->resumed, resumed);
      EXPECT_FALSE(facts->verified);
      EXPECT_EQ(facts->verify_code, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
      EXPECT_FALSE(converse(server.get(), verified));
      EXPECT_EQ(last_failure, TlsFailure::kCertSelfSigned);
    }
  }
}

TEST_F(Session, SaysTheNameToTheServerButNoAddress) {
  const auto server = server_of(TLS1_3_VERSION);
  for (const auto& [host, expected] :
       {std::pair{"mx.example.com", "mx.example.com"}, {"[127.0.0.1]", ""}, {"127.0.0.1", ""}}) {
    std::string seen = "nothing yet";
    {
      const FarEnd far = FarEnd::server(server.get(), [&seen](SSL* ssl) {
        const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
        seen = name != nullptr ? name : "";
      });
      auto stream = TlsStream::client(*context, far.fd(), MxName(host));
      EXPECT_EQ(drive_handshake(**stream, far.fd()).status, io::IoStatus::kOk);
    }
    EXPECT_EQ(seen, expected);
  }
}

TEST_F(Session, CarriesBytesBothWaysAndSaysGoodbye) {
  const auto server = server_of(TLS1_3_VERSION);
  std::string heard;
  {
    const FarEnd far = FarEnd::server(server.get(), [&heard](SSL* ssl) {
      for (std::string part; !(part = ssl_read(ssl)).empty();) heard += part;
      EXPECT_EQ(SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
    });
    auto stream = TlsStream::client(*context, far.fd(), MxName("mx.example.com"));
    ASSERT_EQ(drive_handshake(**stream, far.fd()).status, io::IoStatus::kOk);
    write_all(**stream, far.fd(), std::string(100'000, 'm'));
    (*stream)->shutdown();
    EXPECT_EQ(read_some(**stream, far.fd()).first.status, io::IoStatus::kEof);
  }
  EXPECT_EQ(heard, std::string(100'000, 'm'));
}

// Collects what is written until it is let go, so that it arrives in one piece.
void cork(int fd, int on) { setsockopt(fd, IPPROTO_TCP, TCP_CORK, &on, sizeof on); }

TEST_F(Session, IsDrainedOnlyWhenNoRecordWaitsInside) {
  const auto server = server_of(TLS1_2_VERSION);
  const FarEnd far = FarEnd::server(server.get(), [](SSL* ssl) {
    cork(SSL_get_fd(ssl), 1);
    ssl_write(ssl, "250-one\r\n");
    ssl_write(ssl, "250 two\r\n");
    cork(SSL_get_fd(ssl), 0);
    ssl_read(ssl);
  });
  auto stream = TlsStream::client(*context, far.fd(), MxName("mx.example.com"));
  ASSERT_EQ(drive_handshake(**stream, far.fd()).status, io::IoStatus::kOk);
  const auto [first, one] = read_some(**stream, far.fd());
  EXPECT_EQ(one, "250-one\r\n");
  EXPECT_FALSE(first.drained);
  const auto [second, two] = read_some(**stream, far.fd());
  EXPECT_EQ(two, "250 two\r\n");
  EXPECT_TRUE(second.drained);
}

TEST_F(Session, TellsThatTheClientsFirstWordsCameWithTheEndOfItsHandshake) {
  const auto certificate = folder.write("cert.pem", rsa_certificate().certificate_pem);
  const auto key = folder.write("key.pem", rsa_certificate().key_pem);
  const auto server = ServerContext::make({certificate, key}, nullptr);
  ASSERT_TRUE(server);
  const FarEnd far = FarEnd::raw([](int fd) {
    const SslCtxPtr client(SSL_CTX_new(TLS_client_method()));
    const SslPtr ssl(SSL_new(client.get()));
    SSL_set_fd(ssl.get(), fd);
    cork(fd, 1);  // delays the hello, too, but not for long
    EXPECT_EQ(SSL_connect(ssl.get()), 1);
    ssl_write(ssl.get(), "EHLO a\r\n");
    cork(fd, 0);
    swallow(fd);
  });
  auto stream = TlsStream::server(**server, far.fd());
  const auto up = drive_handshake(**stream, far.fd());
  ASSERT_EQ(up.status, io::IoStatus::kOk);
  EXPECT_FALSE(up.drained);
  EXPECT_EQ(read_some(**stream, far.fd()).second, "EHLO a\r\n");
}

}  // namespace
}  // namespace posthaste::tls
