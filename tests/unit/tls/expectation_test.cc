// What is looked at again when a session is resumed: OpenSSL itself then looks at nothing.
#include "lib/tls/expectation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#include "lib/tls/certificate.h"
#include "tests/unit/tls/test_client.h"

namespace posthaste::tls {
namespace {

using policy::TlsAuthentication;
using ::testing::HasSubstr;

class ResumedSession : public ::testing::Test {
 protected:
  // The verdict on what is `shown` in a session that carries the verdict `carried`.
  long verdict(const Demand& demand, const TestCertificate& shown, long carried = X509_V_OK) {
    const SslPtr ssl(SSL_new(context.get()));
    Expectation expectation(MxName("mx.example.com"), demand);
    EXPECT_TRUE(expectation.prepare(ssl.get()));
    SSL_set_verify_result(ssl.get(), carried);
    const BioPtr bio(BIO_new_mem_buf(shown.certificate_pem.data(), -1));
    const X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    return expectation.verdict_on(ssl.get(), certificate.get());
  }
  static Demand records(TlsAuthentication authentication, std::vector<dns::TlsaRecord> list) {
    policy::TlsDemand demand;
    demand.authentication = authentication;
    demand.records = std::move(list);
    demand.names = {"mx.example.com"};
    return std::make_shared<const policy::TlsDemand>(std::move(demand));
  }
  ResumedSession() { SSL_CTX_dane_enable(context.get()); }

  const SslCtxPtr context{SSL_CTX_new(TLS_client_method())};
  const TestCertificate leaf = make_self_signed({});
  const TestCertificate expired = make_self_signed(expired_order());
  const TestCertificate early = make_self_signed(not_yet_valid_order());
  const TestCertificate elsewhere = make_self_signed({.dns_names = {"mx.example.net"}});
};

TEST_F(ResumedSession, OfAChainIsAskedForVerdictNameAndDates) {
  for (const Demand& demand : {Demand(), demand_name("mx.example.com", {})}) {
    EXPECT_EQ(verdict(demand, leaf), X509_V_OK);
    EXPECT_EQ(verdict(demand, leaf, X509_V_ERR_CERT_REVOKED), X509_V_ERR_CERT_REVOKED);
    EXPECT_EQ(verdict(demand, expired), X509_V_ERR_CERT_HAS_EXPIRED);
    EXPECT_EQ(verdict(demand, early), X509_V_ERR_CERT_NOT_YET_VALID);
    EXPECT_EQ(verdict(demand, elsewhere), X509_V_ERR_HOSTNAME_MISMATCH);
  }
}

TEST_F(ResumedSession, OfAPinOrAnEndEntityIsAskedForTheKeyAlone) {
  const dns::TlsaRecord any{3, 1, 1, std::string(32, 'x')};
  for (const auto authentication : {TlsAuthentication::kPin, TlsAuthentication::kDane}) {
    EXPECT_EQ(verdict(records(authentication, {any}), leaf), X509_V_ERR_DANE_NO_MATCH);
    for (const auto* shown : {&leaf, &expired, &elsewhere}) {
      const BioPtr bio(BIO_new_mem_buf(shown->certificate_pem.data(), -1));
      const X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
      const dns::TlsaRecord whole{3, 1, 0, spki_of(certificate.get())};
      EXPECT_EQ(verdict(records(authentication, {any, whole}), *shown), X509_V_OK);
    }
  }
}

TEST_F(ResumedSession, OfATrustAnchorIsAskedForVerdictNameAndDates) {
  const auto demand = records(TlsAuthentication::kDane, {{2, 1, 1, std::string(32, 'x')}});
  EXPECT_EQ(verdict(demand, leaf), X509_V_OK);
  EXPECT_EQ(verdict(demand, leaf, X509_V_ERR_DANE_NO_MATCH), X509_V_ERR_DANE_NO_MATCH);
  EXPECT_EQ(verdict(demand, expired), X509_V_ERR_CERT_HAS_EXPIRED);
  EXPECT_EQ(verdict(demand, elsewhere), X509_V_ERR_HOSTNAME_MISMATCH);
}

class DemandedSession : public ::testing::Test {
 protected:
  DemandedSession() {
    trust.ca_file = folder.write("root.pem", root.certificate_pem);
    const BioPtr bio(BIO_new_mem_buf(leaf.certificate_pem.data(), -1));
    const X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    key_record = {3, 1, 0, spki_of(certificate.get())};
  }
  Demand with(TlsAuthentication authentication, std::vector<std::string> names,
              std::vector<dns::TlsaRecord> records, const std::string& sni = {}) const {
    policy::TlsDemand demand;
    demand.authentication = authentication;
    demand.names = std::move(names);
    demand.records = std::move(records);
    demand.sni = sni;
    demand.trust = trust;
    return std::make_shared<const policy::TlsDemand>(std::move(demand));
  }

  CertificateFolder folder;
  const TestCertificate root = make_self_signed(authority_order("Test Root"));
  const TestCertificate leaf =
      make_issued({.dns_names = {"mx.example.com", "a.example.com"}}, root);
  policy::TrustStore trust;
  dns::TlsaRecord key_record;
};

TEST_F(DemandedSession, IsNeverResumedUnderAnotherDemand) {
  const std::string host = "mx.example.com";
  const dns::TlsaRecord other_record{3, 1, 1, std::string(32, 'x')};
  const std::vector<Demand> demands{with(TlsAuthentication::kNone, {}, {}),
                                    with(TlsAuthentication::kNone, {}, {}, "a.example.com"),
                                    with(TlsAuthentication::kPkix, {host}, {}),
                                    with(TlsAuthentication::kPkix, {host, "a.example.com"}, {}),
                                    with(TlsAuthentication::kPkix, {".example.com"}, {}),
                                    with(TlsAuthentication::kPin, {}, {key_record}),
                                    with(TlsAuthentication::kPin, {}, {key_record, other_record}),
                                    with(TlsAuthentication::kDane, {host}, {key_record}),
                                    nullptr};
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    SCOPED_TRACE(version);
    const auto server = server_with(leaf, version);
    TestClient client(demands.front());
    for (const bool resumed : {false, true}) {
      for (std::size_t i = 0; i < demands.size(); ++i) {
        const Attempt attempt = client.connect(server.get(), demands[i], host);
        ASSERT_TRUE(attempt.up) << i << ' ' << attempt.words;
        EXPECT_EQ(attempt.facts.resumed, resumed) << i;
        EXPECT_TRUE(attempt.facts.verified);
      }
    }
  }
}

TEST_F(DemandedSession, ThatWasOnlyObservedDoesNotStandInForAVerifiedOne) {
  const auto stranger = make_self_signed({});
  const auto observed = with(TlsAuthentication::kNone, {}, {});
  const auto verified = with(TlsAuthentication::kPkix, {"mx.example.com"}, {});
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    SCOPED_TRACE(version);
    const auto server = server_with(stranger, version);
    TestClient client(observed);
    EXPECT_TRUE(client.connect(server.get(), observed).up);
    EXPECT_EQ(client.connect(server.get(), verified).failure, policy::TlsFailure::kCertSelfSigned);
    const Attempt again = client.connect(server.get(), observed);
    EXPECT_TRUE(again.facts.resumed);
    EXPECT_FALSE(again.facts.verified);
    EXPECT_EQ(again.facts.authenticated_by, TlsAuthentication::kNone);
  }
}

TEST_F(DemandedSession, IsRefusedOnceTheKeyHasChangedThoughATicketIsAtHand) {
  const auto changed = make_issued({}, root);
  const auto demand = with(TlsAuthentication::kPin, {}, {key_record});
  TestClient client(demand);
  const auto before = server_with(leaf, TLS1_3_VERSION);
  const auto after = server_with(changed, TLS1_3_VERSION);
  EXPECT_TRUE(client.connect(before.get(), demand).up);
  EXPECT_EQ(client.connect(after.get(), demand).failure, policy::TlsFailure::kDaneNoMatch);
}

TEST(Demand, OfAnotherTrustThanTheContextsIsOurOwnMistake) {
  auto context = ClientContext::make(policy::modern_profile());
  const auto demand = demand_name("mx.example.com", {"/nowhere/root.pem", ""});
  auto [ours, theirs] = io::tcp_pair();
  EXPECT_DEATH((void)TlsStream::client(**context, ours.get(), MxName("mx.example.com"), demand),
               "trust");
}

}  // namespace
}  // namespace posthaste::tls
