// Clients that a server of ours refuses: the words say what they had offered.
#include "lib/tls/client_offer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/tls/test_peer.h"

namespace posthaste::tls {
namespace {

using policy::TlsFailure;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class RefusedClient : public ::testing::Test {
 protected:
  RefusedClient() {
    const auto made = make_self_signed({.key = CertificateOrder::Key::kRsa2048});
    auto context = ServerContext::make({.certificate_file = folder.write("c", made.certificate_pem),
                                        .private_key_file = folder.write("k", made.key_pem)},
                                       nullptr);
    EXPECT_TRUE(context);
    server = std::move(*context);
  }
  // How our server refuses a client that says `hello`.
  void refuse(const FarEnd& far, TlsFailure expected) {
    auto stream = TlsStream::server(*server, far.fd());
    EXPECT_NE(drive_handshake(**stream, far.fd()).status, io::IoStatus::kOk);
    EXPECT_EQ((*stream)->failure(), expected);
    words = (*stream)->failure_words();
  }
  static FarEnd client(int version, const char* ciphers) {
    return FarEnd::raw([version, ciphers](int fd) {
      const SslCtxPtr context(SSL_CTX_new(TLS_client_method()));
      SSL_CTX_set_security_level(context.get(), 0);
      SSL_CTX_set_max_proto_version(context.get(), version);
      EXPECT_EQ(SSL_CTX_set_cipher_list(context.get(), ciphers), 1);
      const SslPtr ssl(SSL_new(context.get()));
      SSL_set_fd(ssl.get(), fd);
      EXPECT_EQ(SSL_connect(ssl.get()), -1);
      shutdown(fd, SHUT_WR);
      swallow(fd);
    });
  }

  CertificateFolder folder;
  std::unique_ptr<ServerContext> server;
  std::string words;
};

TEST_F(RefusedClient, OfTls10WithStaticRsaIsQuoted) {
  refuse(client(TLS1_VERSION, "AES128-SHA"), TlsFailure::kProtocolVersion);
  EXPECT_THAT(words, HasSubstr("the client offered TLSv1.0 with TLS_RSA_WITH_AES_128_CBC_SHA"));
}

TEST_F(RefusedClient, OfStaticRsaIsQuoted) {
  refuse(client(TLS1_2_VERSION, "AES256-GCM-SHA384:AES128-SHA"), TlsFailure::kPeerHandshakeFailure);
  EXPECT_THAT(words, HasSubstr("the client offered TLSv1.2 with TLS_RSA_WITH_AES_256_GCM_SHA384, "
                               "TLS_RSA_WITH_AES_128_CBC_SHA"));
}

TEST_F(RefusedClient, WithoutACommonGroupIsQuotedWithItsGroups) {
  refuse(FarEnd::raw([](int fd) {
           const SslCtxPtr context(SSL_CTX_new(TLS_client_method()));
           SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
           SSL_CTX_set1_groups_list(context.get(), "P-521:X448");
           const SslPtr ssl(SSL_new(context.get()));
           SSL_set_fd(ssl.get(), fd);
           EXPECT_EQ(SSL_connect(ssl.get()), -1);
           shutdown(fd, SHUT_WR);
           swallow(fd);
         }),
         TlsFailure::kPeerHandshakeFailure);
  EXPECT_THAT(words, AllOf(HasSubstr("the client offered TLSv1.3, TLSv1.2 with"),
                           HasSubstr(" …; groups P-521, X448")));
}

TEST_F(RefusedClient, OfUnknownNumbersIsQuotedByThem) {
  // A hello of TLS 1.2: GREASE, a cipher that nobody knows, RC4, and the renegotiation signal.
  const std::string body = std::string("\x03\x03", 2) + std::string(32, 'r') +
                           std::string("\x00\x00\x08\x1a\x1a\xfe\xed\x00\x05\x00\xff\x01\x00", 13);
  const std::string hello = std::string("\x01\x00\x00", 3) + static_cast<char>(body.size()) + body;
  const auto record = std::string("\x16\x03\x01\x00", 4) + static_cast<char>(hello.size()) + hello;
  refuse(FarEnd::raw([record](int fd) {
           send_bytes(fd, record);
           swallow(fd);
         }),
         TlsFailure::kPeerHandshakeFailure);
  EXPECT_THAT(words, HasSubstr("the client offered TLSv1.2 with 0xfeed, 0x0005"));
}

TEST_F(RefusedClient, ThatIsNoTlsClientHasOfferedNothing) {
  refuse(FarEnd::raw([](int fd) {
           send_bytes(fd, "EHLO client.example.com\r\n");
           swallow(fd);
         }),
         TlsFailure::kNotTls);
  EXPECT_THAT(words, Not(HasSubstr("offered")));
}

TEST_F(RefusedClient, ThatDislikesUsIsNotQuoted) {
  refuse(FarEnd::raw([](int fd) {
           const SslCtxPtr context(SSL_CTX_new(TLS_client_method()));
           SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
           const SslPtr ssl(SSL_new(context.get()));
           SSL_set_fd(ssl.get(), fd);
           EXPECT_EQ(SSL_connect(ssl.get()), -1);
           shutdown(fd, SHUT_WR);
           swallow(fd);
         }),
         TlsFailure::kPeerRejectedOurCert);
  EXPECT_THAT(words, Not(HasSubstr("offered")));
}

TEST(ClientOffer, OfNothingHasNoWords) { EXPECT_EQ(render({}, nullptr), ""); }

}  // namespace
}  // namespace posthaste::tls
