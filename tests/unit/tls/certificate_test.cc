// What a certificate is worth: observed it is told in TlsFacts, enforced it ends the handshake.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/x509_vfy.h>

#include "tests/unit/tls/test_peer.h"

namespace posthaste::tls {
namespace {

using policy::TlsFailure;
using Key = CertificateOrder::Key;

class Certificate : public ::testing::Test {
 protected:
  // Connects twice, with both ways to treat a bad certificate.
  void expect(const TestCertificate& served, const std::string& chain, int verify_code,
              TlsFailure failure) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      const SslCtxPtr server = OtherServer{.certificate = served,
                                           .chain_pem = chain,
                                           .min_version = version,
                                           .max_version = version}
                                   .make();
      SCOPED_TRACE(version == TLS1_3_VERSION ? "TLS 1.3" : "TLS 1.2");
      observe(server.get(), verify_code);
      enforce(server.get(), failure);
    }
  }

  void observe(SSL_CTX* server, int verify_code) {
    const FarEnd far = FarEnd::server(server);
    auto context = ClientContext::make(profile, trust);
    ASSERT_TRUE(context) << context.error().words;
    auto stream = TlsStream::client(**context, far.fd(), host);
    ASSERT_EQ(drive_handshake(**stream, far.fd()).status, io::IoStatus::kOk)
        << (*stream)->failure_words();
    const policy::TlsFacts& facts = (*stream)->facts();
    EXPECT_TRUE(facts.certificate_present);
    EXPECT_EQ(facts.verify_code, verify_code);
    EXPECT_EQ(facts.verified, verify_code == X509_V_OK);
  }

  void enforce(SSL_CTX* server, TlsFailure failure) {
    const FarEnd far = FarEnd::server(server);
    auto context = ClientContext::make(profile, trust);
    const auto demand = demand_name(host.text(), trust);
    auto stream = TlsStream::client(**context, far.fd(), host, demand);
    const auto result = drive_handshake(**stream, far.fd());
    EXPECT_EQ(result.status == io::IoStatus::kOk, failure == TlsFailure::kNone);
    if (failure != TlsFailure::kNone) {
      EXPECT_EQ((*stream)->failure(), failure) << (*stream)->failure_words();
    }
  }

  CertificateFolder folder;
  const TestCertificate root = make_self_signed(authority_order("Test Root"));
  const policy::TrustStore trust{folder.write("root.pem", root.certificate_pem), ""};
  policy::TlsProfile profile = policy::modern_profile();
  MxName host{"mx.example.com"};
};

TEST_F(Certificate, GoodOneIsVerified) {
  expect(make_issued({}, root), "", X509_V_OK, TlsFailure::kNone);
}

TEST_F(Certificate, GoodOneThroughAnIntermediateIsVerified) {
  const auto middle = make_issued(authority_order("Test Intermediate"), root);
  expect(make_issued({}, middle), middle.certificate_pem, X509_V_OK, TlsFailure::kNone);
}

TEST_F(Certificate, WildcardStandsForOneLabelAndNotForPartOfOne) {
  expect(make_issued({.dns_names = {"*.example.com"}}, root), "", X509_V_OK, TlsFailure::kNone);
  expect(make_issued({.dns_names = {"m*.example.com"}}, root), "", X509_V_ERR_HOSTNAME_MISMATCH,
         TlsFailure::kCertHostMismatch);
}

TEST_F(Certificate, AddressLiteralIsComparedWithAddresses) {
  host = MxName("[192.0.2.7]");
  expect(make_issued({.addresses = {"192.0.2.7"}}, root), "", X509_V_OK, TlsFailure::kNone);
  expect(make_issued({.dns_names = {"192.0.2.7"}}, root), "", X509_V_ERR_IP_ADDRESS_MISMATCH,
         TlsFailure::kCertHostMismatch);
}

TEST_F(Certificate, SelfSigned) {
  expect(make_self_signed({}), "", X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
         TlsFailure::kCertSelfSigned);
}

TEST_F(Certificate, OfAnUnknownAuthority) {
  const auto stranger = make_self_signed(authority_order("Other Root"));
  const auto leaf = make_issued({}, stranger);
  expect(leaf, "", X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, TlsFailure::kCertUntrusted);
  expect(leaf, stranger.certificate_pem, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
         TlsFailure::kCertUntrusted);
}

TEST_F(Certificate, WithoutItsIntermediate) {
  const auto middle = make_issued(authority_order("Test Intermediate"), root);
  expect(make_issued({}, middle), "", X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
         TlsFailure::kCertUntrusted);
}

TEST_F(Certificate, ExpiredAndNotYetValid) {
  expect(make_issued(expired_order(), root), "", X509_V_ERR_CERT_HAS_EXPIRED,
         TlsFailure::kCertExpired);
  expect(make_issued(not_yet_valid_order(), root), "", X509_V_ERR_CERT_NOT_YET_VALID,
         TlsFailure::kCertNotYetValid);
}

TEST_F(Certificate, ForAnotherName) {
  expect(make_issued({.dns_names = {"other.example.com"}}, root), "", X509_V_ERR_HOSTNAME_MISMATCH,
         TlsFailure::kCertHostMismatch);
}

TEST_F(Certificate, ForNobodyWhenNoNameWasAskedFor) {
  host = MxName();
  expect(make_issued({}, root), "", X509_V_ERR_HOSTNAME_MISMATCH, TlsFailure::kCertHostMismatch);
}

TEST_F(Certificate, ForAnotherPurpose) {
  expect(make_issued({.purpose = "clientAuth"}, root), "", X509_V_ERR_INVALID_PURPOSE,
         TlsFailure::kCertWrongPurpose);
}

TEST_F(Certificate, WithAWeakKey) {
  profile.security_level = 2;
  expect(make_issued({.key = Key::kRsa1024}, root), "", X509_V_ERR_EE_KEY_TOO_SMALL,
         TlsFailure::kCertWeak);
}

TEST_F(Certificate, WithAWeakDigest) {
  expect(make_issued({.digest = "SHA1"}, root), "", X509_V_ERR_CA_MD_TOO_WEAK,
         TlsFailure::kCertWeak);
}

}  // namespace
}  // namespace posthaste::tls
