// What a certificate is worth: observed it is told in TlsFacts, enforced it ends the handshake.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include "tests/unit/tls/test_client.h"

namespace posthaste::tls {
namespace {

using policy::TlsFailure;
using ::testing::HasSubstr;
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

  // What becomes of it under a demand for one of the names.
  Attempt verify(const TestCertificate& served, std::vector<std::string> names,
                 policy::TlsSource source = policy::TlsSource::kOperator) {
    policy::TlsDemand demand = *demand_name("", trust);
    demand.names = std::move(names);
    demand.source = source;
    const auto server = server_with(served);
    return connect_once(server.get(), std::make_shared<const policy::TlsDemand>(demand), profile);
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

TEST_F(Certificate, IsShownWithTheChainThatTheServerSent) {
  const auto middle = make_issued(authority_order("Test Intermediate"), root);
  const SslCtxPtr server =
      OtherServer{.certificate = make_issued({}, middle), .chain_pem = middle.certificate_pem}
          .make();
  const FarEnd far = FarEnd::server(server.get());
  auto context = ClientContext::make(profile, trust);
  auto stream = TlsStream::client(**context, far.fd(), host);
  ASSERT_EQ(drive_handshake(**stream, far.fd()).status, io::IoStatus::kOk);
  const auto chain = (*stream)->chain();
  ASSERT_EQ(chain.size(), 2U);
  EXPECT_EQ(chain[0].subject, (*stream)->facts().subject);
  EXPECT_EQ(chain[0].fingerprint, (*stream)->facts().fingerprint);
  EXPECT_EQ(chain[0].names, std::vector<std::string>{"mx.example.com"});
  EXPECT_EQ(chain[0].issuer, chain[1].subject);
  EXPECT_THAT(chain[1].issuer, HasSubstr("Test Root"));
  // An hour ago to thirty days ahead, in whole seconds.
  EXPECT_EQ(chain[0].not_after - chain[0].not_before, std::chrono::hours(30 * 24 + 1));
  const Instant now = std::chrono::floor<Duration>(std::chrono::system_clock::now());
  EXPECT_LT(chain[0].not_before, now);
  EXPECT_GT(chain[0].not_after, now);
}

TEST_F(Certificate, WildcardStandsForOneLabelAndNotForPartOfOne) {
  expect(make_issued({.dns_names = {"*.example.com"}}, root), "", X509_V_OK, TlsFailure::kNone);
  expect(make_issued({.dns_names = {"m*.example.com"}}, root), "", X509_V_ERR_HOSTNAME_MISMATCH,
         TlsFailure::kCertHostMismatch);
}

TEST_F(Certificate, OfOneOfSeveralNamesIsEnough) {
  const auto leaf = make_issued({.dns_names = {"b.example.com"}}, root);
  EXPECT_EQ(verify(leaf, {"a.example.com", "b.example.com"}).failure, TlsFailure::kNone);
  const Attempt other = verify(leaf, {"a.example.com", "c.example.com"});
  EXPECT_EQ(other.failure, TlsFailure::kCertHostMismatch);
  EXPECT_THAT(other.words,
              HasSubstr("it is for b.example.com, not for a.example.com or c.example.com"));
  EXPECT_EQ(verify(leaf, {}).failure, TlsFailure::kCertHostMismatch) << "nobody is not anybody";
}

TEST_F(Certificate, NameWithALeadingDotStandsForEveryNameBelow) {
  const std::vector<std::string> below{".example.com"};
  for (const char* name :
       {"mx.example.com", "a.b.example.com", "*.example.com", "MX.Example.COM"}) {
    EXPECT_EQ(verify(make_issued({.dns_names = {name}}, root), below).failure, TlsFailure::kNone)
        << name;
  }
  for (const char* name : {"example.com", "badexample.com", "mx.example.net", "*.com"}) {
    EXPECT_EQ(verify(make_issued({.dns_names = {name}}, root), below).failure,
              TlsFailure::kCertHostMismatch)
        << name;
  }
}

TEST_F(Certificate, WildcardIsNoMoreThanItsLabel) {
  const auto leaf = make_issued({.dns_names = {"*.example.com"}}, root);
  EXPECT_EQ(verify(leaf, {"example.com"}).failure, TlsFailure::kCertHostMismatch);
  EXPECT_EQ(verify(leaf, {"a.b.example.com"}).failure, TlsFailure::kCertHostMismatch);
  EXPECT_EQ(
      verify(make_issued({.dns_names = {"a.*.example.com"}}, root), {"a.b.example.com"}).failure,
      TlsFailure::kCertHostMismatch);
}

// RFC 8461 §4.1 against RFC 7672 §3.2.3.
TEST_F(Certificate, CommonNameCountsWhereNoOtherIsButNotForMtaSts) {
  const auto leaf = make_issued({.dns_names = {}}, root);
  EXPECT_EQ(verify(leaf, {"mx.example.com"}).failure, TlsFailure::kNone);
  const Attempt strict = verify(leaf, {"mx.example.com"}, policy::TlsSource::kMtaSts);
  EXPECT_EQ(strict.failure, TlsFailure::kCertHostMismatch);
  EXPECT_THAT(strict.words, HasSubstr("it is for CN=mx.example.com"));
}

TEST_F(Certificate, IsTrustedAsItStandsInTheCaFile) {
  const auto partner = make_self_signed({});
  policy::TlsDemand demand = *demand_name("mx.example.com", trust);
  demand.trust.ca_file = folder.write("partner.pem", partner.certificate_pem);
  const auto server = server_with(partner);
  EXPECT_TRUE(connect_once(server.get(), std::make_shared<const policy::TlsDemand>(demand)).up);
  const auto middle = make_issued(authority_order("Test Intermediate"), root);
  demand.trust.ca_file = folder.write("middle.pem", middle.certificate_pem);
  const auto below = server_with(make_issued({}, middle));
  EXPECT_TRUE(connect_once(below.get(), std::make_shared<const policy::TlsDemand>(demand)).up);
}

TEST_F(Certificate, IsToldOfInFullByTheFacts) {
  const auto leaf = make_issued({.dns_names = {"MX.example.com", "*.example.org"}}, root);
  const auto facts = verify(leaf, {"mx.example.com"}).facts;
  EXPECT_TRUE(facts.verified);
  EXPECT_EQ(facts.authenticated_by, policy::TlsAuthentication::kPkix);
  EXPECT_EQ(facts.subject, "CN=mx.example.com");
  EXPECT_EQ(facts.issuer, "CN=Test Root");
  EXPECT_THAT(facts.names, ::testing::ElementsAre("mx.example.com", "*.example.org"));
  EXPECT_THAT(facts.fingerprint, ::testing::MatchesRegex("sha256:[0-9a-f]+"));
  EXPECT_EQ(facts.fingerprint.size(), 7U + 64U);
  std::vector<std::string> many(300, "name.example.com");
  many.emplace_back("mx.example.com");
  EXPECT_EQ(verify(make_issued({.dns_names = many}, root), {"mx.example.com"}).facts.names.size(),
            100U);
}

TEST_F(Certificate, ThatFallsShortIsToldToTheServer) {
  const auto server = server_with(make_issued(expired_order(), root), TLS1_3_VERSION);
  int heard = 0;
  {
    const FarEnd far = FarEnd::raw([&](int fd) {
      const SslPtr ssl(SSL_new(server.get()));
      SSL_set_fd(ssl.get(), fd);
      EXPECT_NE(SSL_accept(ssl.get()), 1);
      heard = ERR_GET_REASON(ERR_peek_error()) - SSL_AD_REASON_OFFSET;
      swallow(fd);
    });
    auto context = ClientContext::make(profile, trust);
    const auto demand = demand_name(host.text(), trust);
    auto stream = TlsStream::client(**context, far.fd(), host, demand);
    EXPECT_EQ(drive_handshake(**stream, far.fd()).status, io::IoStatus::kError);
  }
  EXPECT_EQ(heard, SSL_AD_CERTIFICATE_EXPIRED);
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
