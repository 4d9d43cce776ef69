// Pinned keys and TLSA records: what a certificate has to be when its key is told beforehand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#include <array>

#include "tests/unit/tls/test_client.h"

namespace posthaste::tls {
namespace {

using dns::TlsaRecord;
using policy::TlsAuthentication;
using policy::TlsFailure;
using ::testing::AllOf;
using ::testing::HasSubstr;
using Records = std::vector<TlsaRecord>;

// The octets that a record is about: the certificate, or its key (selector 1).
std::string selected(const TestCertificate& made, int selector) {
  const BioPtr bio(BIO_new_mem_buf(made.certificate_pem.data(), -1));
  const X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  unsigned char* bytes = nullptr;
  const int size = selector == 0 ? i2d_X509(certificate.get(), &bytes)
                                 : i2d_PUBKEY(X509_get0_pubkey(certificate.get()), &bytes);
  std::string octets(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return octets;
}

TlsaRecord record(int usage, int selector, int matching, const TestCertificate& made) {
  std::string octets = selected(made, selector);
  if (matching != 0) {
    std::array<char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    EVP_Digest(octets.data(), octets.size(), reinterpret_cast<unsigned char*>(digest.data()), &size,
               matching == 1 ? EVP_sha256() : EVP_sha512(), nullptr);
    octets.assign(digest.data(), size);
  }
  return {static_cast<std::uint8_t>(usage), static_cast<std::uint8_t>(selector),
          static_cast<std::uint8_t>(matching), octets};
}

Demand demand_of(TlsAuthentication authentication, Records records,
                 std::vector<std::string> names = {"mx.example.com"}) {
  policy::TlsDemand demand;
  demand.encrypted = true;
  demand.authentication = authentication;
  demand.records = std::move(records);
  demand.names = std::move(names);
  return std::make_shared<const policy::TlsDemand>(std::move(demand));
}
Demand pins(Records records) { return demand_of(TlsAuthentication::kPin, std::move(records), {}); }
Demand dane(Records records, std::vector<std::string> names = {"mx.example.com"}) {
  return demand_of(TlsAuthentication::kDane, std::move(records), std::move(names));
}

class Record : public ::testing::Test {
 protected:
  // The first connection and the resumed one, of both versions, end alike.
  void expect(const Demand& demand, const TestCertificate& served, TlsFailure failure,
              const std::string& sent = {}) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      SCOPED_TRACE(version == TLS1_3_VERSION ? "TLS 1.3" : "TLS 1.2");
      const auto server = server_with(served, version, sent);
      TestClient client(demand);
      for (const bool again : {false, true}) {
        last = client.connect(server.get(), demand);
        EXPECT_EQ(last.failure, failure) << last.words;
        ASSERT_EQ(last.up, failure == TlsFailure::kNone) << last.words;
        if (!last.up) continue;
        EXPECT_EQ(last.facts.resumed, again);
        EXPECT_TRUE(last.facts.verified);
        EXPECT_EQ(last.facts.authenticated_by, demand->authentication);
      }
    }
  }

  static const TestCertificate& root() {
    static const TestCertificate made = make_self_signed(authority_order("Test Root"));
    return made;
  }
  const TestCertificate middle = make_issued(authority_order("Test Intermediate"), root());
  const std::string chain = middle.certificate_pem + root().certificate_pem;
  const TestCertificate leaf = make_issued({}, middle);
  const TestCertificate other = make_self_signed({});
  Attempt last;
};

class Pin : public Record {};

TEST_F(Pin, OfTheKeyIsEnough) {
  expect(pins({record(3, 1, 1, other)}), other, TlsFailure::kNone);
  EXPECT_THAT(last.facts.fingerprint, HasSubstr("sha256:"));
}

TEST_F(Pin, OfAnotherKeyIsNot) {
  expect(pins({record(3, 1, 1, leaf)}), other, TlsFailure::kDaneNoMatch);
  EXPECT_THAT(last.words, AllOf(HasSubstr("none of the 1 pinned keys"), HasSubstr("sha256:")));
}

TEST_F(Pin, RollsOverWithTheOldAndTheNewKey) {
  const auto demand = pins({record(3, 1, 1, other), record(3, 1, 1, leaf)});
  expect(demand, other, TlsFailure::kNone);
  expect(demand, leaf, TlsFailure::kNone);
  expect(demand, make_self_signed({}), TlsFailure::kDaneNoMatch);
}

TEST_F(Pin, DoesNotAskForNamesDatesOrRoots) {
  auto order = expired_order();
  order.dns_names = {"elsewhere.example.net"};
  const auto old = make_self_signed(order);
  expect(pins({record(3, 1, 1, old)}), old, TlsFailure::kNone);
}

TEST_F(Pin, IsNotReplacedByAChainToARoot) {
  CertificateFolder folder;
  policy::TlsDemand demand = *pins({});
  demand.names = {"mx.example.com"};
  demand.trust.ca_file = folder.write("root.pem", root().certificate_pem);
  expect(std::make_shared<const policy::TlsDemand>(demand), leaf, TlsFailure::kDaneNoMatch,
         middle.certificate_pem);
}

class Dane : public Record {};

TEST_F(Dane, EndEntityByEverySelectorAndMatching) {
  for (const int selector : {0, 1}) {
    for (const int matching : {0, 1, 2}) {
      SCOPED_TRACE(testing::Message() << "3 " << selector << ' ' << matching);
      expect(dane({record(3, selector, matching, leaf)}), leaf, TlsFailure::kNone);
      expect(dane({record(3, selector, matching, leaf)}), other, TlsFailure::kDaneNoMatch);
    }
  }
  EXPECT_THAT(last.words, HasSubstr("no TLSA record matches (1 of use, 0 not)"));
}

TEST_F(Dane, EndEntityAsksForNoNameAndNoDate) {
  auto order = expired_order();
  order.dns_names = {"elsewhere.example.net"};
  const auto old = make_self_signed(order);
  expect(dane({record(3, 1, 1, old)}), old, TlsFailure::kNone);
}

TEST_F(Dane, TrustAnchorByEverySelectorAndMatching) {
  for (const int selector : {0, 1}) {
    for (const int matching : {0, 1, 2}) {
      SCOPED_TRACE(testing::Message() << "2 " << selector << ' ' << matching);
      expect(dane({record(2, selector, matching, root())}), leaf, TlsFailure::kNone, chain);
      expect(dane({record(2, selector, matching, middle)}), leaf, TlsFailure::kNone, chain);
      expect(dane({record(2, selector, matching, other)}), leaf, TlsFailure::kDaneNoMatch, chain);
    }
  }
}

TEST_F(Dane, TrustAnchorAsksForTheNameAndTheDates) {
  expect(dane({record(2, 1, 1, root())}, {"elsewhere.example.net"}), leaf,
         TlsFailure::kCertHostMismatch, chain);
  EXPECT_THAT(last.words, HasSubstr("it is for mx.example.com, not for elsewhere.example.net"));
  expect(dane({record(2, 1, 1, root())}, {"elsewhere.example.net", "mx.example.com"}), leaf,
         TlsFailure::kNone, chain);
  expect(dane({record(2, 1, 1, root())}, {}), leaf, TlsFailure::kCertHostMismatch, chain);
  expect(dane({record(2, 1, 1, root())}), make_issued(expired_order(), middle),
         TlsFailure::kCertExpired, chain);
  expect(dane({record(2, 1, 1, root())}), make_issued(not_yet_valid_order(), middle),
         TlsFailure::kCertNotYetValid, chain);
}

TEST_F(Dane, TrustAnchorThatTheServerDoesNotSendIsOfUseOnlyInFull) {
  expect(dane({record(2, 0, 1, root())}), leaf, TlsFailure::kDaneNoMatch, middle.certificate_pem);
  expect(dane({record(2, 0, 0, root())}), leaf, TlsFailure::kNone, middle.certificate_pem);
}

TEST_F(Dane, TakesNoRootOfTheSystemsForARecord) {
  CertificateFolder folder;
  policy::TlsDemand demand = *dane({record(2, 1, 1, other)});
  demand.trust.ca_file = folder.write("root.pem", root().certificate_pem);
  expect(std::make_shared<const policy::TlsDemand>(demand), leaf, TlsFailure::kDaneNoMatch, chain);
}

TEST_F(Dane, RollsOverWithTheOldAndTheNewRecord) {
  const auto demand = dane({record(3, 1, 1, other), record(3, 1, 1, leaf)});
  expect(demand, other, TlsFailure::kNone);
  expect(demand, leaf, TlsFailure::kNone);
}

// RFC 7672 §3.1.3: OpenSSL would take them, and look for a root.
TEST_F(Dane, KnowsNothingOfUsages0And1) {
  CertificateFolder folder;
  for (const int usage : {0, 1}) {
    policy::TlsDemand demand = *dane({record(usage, 1, 1, usage == 0 ? root() : leaf)});
    demand.trust.ca_file = folder.write("root.pem", root().certificate_pem);
    expect(std::make_shared<const policy::TlsDemand>(demand), leaf, TlsFailure::kDaneNoMatch,
           chain);
    EXPECT_THAT(last.words, HasSubstr("(0 of use, 1 not)"));
    demand.records.push_back(record(3, 1, 1, leaf));
    expect(std::make_shared<const policy::TlsDemand>(demand), leaf, TlsFailure::kNone, chain);
  }
}

TEST_F(Dane, IsNotImpressedByGarbage) {
  const Records garbage{{3, 1, 1, "short"},
                        {3, 1, 0, ""},
                        {3, 1, 0, "no key"},
                        {3, 0, 0, std::string(60'000, 'x')},
                        {2, 0, 0, "no certificate"},
                        {2, 1, 0, std::string("\x30\x84\xff\xff\xff\xff", 6)},
                        {2, 7, 1, std::string(32, 'x')},
                        {3, 1, 9, std::string(32, 'x')},
                        {255, 255, 255, std::string(255, '\xff')}};
  CertificateFolder folder;
  policy::TlsDemand demand = *dane(garbage);
  demand.trust.ca_file = folder.write("root.pem", root().certificate_pem);
  expect(std::make_shared<const policy::TlsDemand>(demand), leaf, TlsFailure::kDaneNoMatch, chain);
  EXPECT_THAT(last.words, HasSubstr("(0 of use, 9 not)"));
  demand.records.push_back(record(3, 1, 1, leaf));
  expect(std::make_shared<const policy::TlsDemand>(demand), leaf, TlsFailure::kNone, chain);
  expect(dane({}), leaf, TlsFailure::kDaneNoMatch, chain);
}

// RFC 7671 §9: a digest that may be broken one day must not open what the better one closes.
TEST_F(Dane, HeedsTheStrongerDigestOnly) {
  expect(dane({record(3, 1, 1, leaf), record(3, 1, 2, other)}), leaf, TlsFailure::kDaneNoMatch);
  expect(dane({record(3, 1, 1, other), record(3, 1, 2, leaf)}), leaf, TlsFailure::kNone);
  expect(dane({record(3, 1, 1, leaf), record(3, 0, 2, other)}), leaf, TlsFailure::kNone);
  // Nor does it excuse the leaf from what a trust anchor asks for.
  const Records both{record(3, 1, 1, leaf), record(3, 1, 2, other), record(2, 1, 1, root())};
  expect(dane(both), leaf, TlsFailure::kNone, chain);
  expect(dane(both, {"elsewhere.example.net"}), leaf, TlsFailure::kCertHostMismatch, chain);
}

TEST_F(Dane, SaysTheNameOfTheDemandToTheServer) {
  policy::TlsDemand demand = *dane({record(3, 1, 1, leaf)});
  for (const auto& [sni, expected] :
       {std::pair{"base.example.com", "base.example.com"}, {"", "mx.example.com"}, {"[::1]", ""}}) {
    demand.sni = sni;
    const auto server = server_with(leaf);
    std::string seen = "nothing yet";
    {
      const FarEnd far = FarEnd::server(server.get(), [&seen](SSL* ssl) {
        const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
        seen = name != nullptr ? name : "";
      });
      auto context = ClientContext::make(policy::modern_profile());
      auto stream = TlsStream::client(**context, far.fd(), MxName("mx.example.com"),
                                      std::make_shared<const policy::TlsDemand>(demand));
      EXPECT_EQ(drive_handshake(**stream, far.fd()).status, io::IoStatus::kOk);
    }
    EXPECT_EQ(seen, expected);
  }
}

}  // namespace
}  // namespace posthaste::tls
