// Certificates that were taken back: by a list in a file, and by a response in the handshake.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/tls/staple.h"
#include "tests/unit/tls/test_client.h"
#include "tests/unit/tls/test_revocation.h"

namespace posthaste::tls {
namespace {

using policy::OcspStapling;
using policy::TlsFailure;
using Status = StapleOrder::Status;
using std::chrono::hours;
using ::testing::AllOf;
using ::testing::HasSubstr;

class Revocation : public ::testing::Test {
 protected:
  Demand demand(const policy::TrustStore& trust, OcspStapling ocsp = OcspStapling::kIgnore) const {
    policy::TlsDemand made = *demand_name("mx.example.com", trust);
    made.ocsp = ocsp;
    return std::make_shared<const policy::TlsDemand>(std::move(made));
  }
  const std::vector<int> versions{TLS1_2_VERSION, TLS1_3_VERSION};
  CertificateFolder folder;
  const TestCertificate root = make_self_signed(authority_order("Test Root"));
  const TestCertificate leaf = make_issued({}, root);
  const std::string ca_file = folder.write("root.pem", root.certificate_pem);
};

class RevocationList : public Revocation {
 protected:
  Attempt connect_with(const std::string& list, const TestCertificate& served,
                       const std::string& chain = {}) {
    const auto file = folder.write("lists.pem", list);
    const auto server = server_with(served, 0, chain);
    return connect_once(server.get(), demand({ca_file, file}));
  }
  void expect_refusal(const Attempt& attempt, TlsFailure failure, const char* words) {
    EXPECT_FALSE(attempt.up);
    EXPECT_EQ(attempt.failure, failure);
    EXPECT_THAT(attempt.words, HasSubstr(words));
  }
};

TEST_F(RevocationList, LetsPassWhatIsNotOnIt) {
  const auto attempt = connect_with(make_revocation_list(root, {make_issued({}, root)}), leaf);
  EXPECT_TRUE(attempt.up) << attempt.words;
  EXPECT_TRUE(attempt.facts.verified);
}

TEST_F(RevocationList, StopsWhatIsOnIt) {
  expect_refusal(connect_with(make_revocation_list(root, {leaf}), leaf), TlsFailure::kCertRevoked,
                 "revoked");
}

TEST_F(RevocationList, IsObservedWhereNobodyDemands) {
  const auto server = server_with(leaf);
  const auto file = folder.write("lists.pem", make_revocation_list(root, {leaf}));
  policy::TlsDemand observing;
  observing.trust = {ca_file, file};
  const auto attempt =
      connect_once(server.get(), std::make_shared<const policy::TlsDemand>(observing));
  EXPECT_TRUE(attempt.up);
  EXPECT_FALSE(attempt.facts.verified);
  EXPECT_EQ(attempt.facts.verify_code, X509_V_ERR_CERT_REVOKED);
}

TEST_F(RevocationList, OfNoUseIsNoProofAndOurFault) {
  const auto expired = make_revocation_list(root, {}, {hours(-48), hours(-24)});
  expect_refusal(connect_with(expired, leaf), TlsFailure::kLocalError,
                 "has expired: fetch the current one");
  const auto early = make_revocation_list(root, {}, {hours(24), hours(48)});
  expect_refusal(connect_with(early, leaf), TlsFailure::kLocalError, "not valid yet");
  const auto stranger = make_self_signed(authority_order("Other Root"));
  expect_refusal(connect_with(make_revocation_list(stranger, {}), leaf), TlsFailure::kLocalError,
                 "by a fault of ours: the CRL file has no list of the certificate's issuer");
  const auto forged = make_self_signed(authority_order("Test Root"));
  expect_refusal(connect_with(make_revocation_list(forged, {}), leaf), TlsFailure::kLocalError,
                 "by a fault of ours");
}

TEST_F(RevocationList, IsAskedOfTheLeafsIssuerOnly) {
  const auto middle = make_issued(authority_order("Test Intermediate"), root);
  const auto below = make_issued({}, middle);
  EXPECT_TRUE(connect_with(make_revocation_list(middle, {}), below, middle.certificate_pem).up);
  expect_refusal(connect_with(make_revocation_list(middle, {below}), below, middle.certificate_pem),
                 TlsFailure::kCertRevoked, "revoked");
}

TEST_F(RevocationList, FileOfNoUseIsAnErrorThatNamesIt) {
  const auto make = [&](const std::string& file) {
    const auto made = ClientContext::make(policy::modern_profile(), {ca_file, file});
    EXPECT_FALSE(made);
    return made ? Error{} : made.error();
  };
  const Error missing = make(folder.path("none.pem"));
  EXPECT_EQ(missing.code, ErrorCode::kNotFound);
  EXPECT_THAT(missing.words, AllOf(HasSubstr("the CRL file"), HasSubstr("none.pem")));
  EXPECT_THAT(make(folder.write("empty.pem", "nothing")).words,
              AllOf(HasSubstr("empty.pem"), HasSubstr("BEGIN X509 CRL")));
  EXPECT_THAT(make(ca_file).words, HasSubstr("BEGIN X509 CRL"));
  std::string damaged = make_revocation_list(root, {});
  damaged.replace(damaged.size() / 2, 5, "%%%%%");
  EXPECT_THAT(make(folder.write("damaged.pem", make_revocation_list(root, {}) + damaged)).words,
              AllOf(HasSubstr("damaged.pem"), HasSubstr("damaged")));
}

// A server that staples whatever it is given.
class Stapling : public Revocation {
 protected:
  SslCtxPtr stapling(const TestCertificate& served, int version, const std::string& chain = {}) {
    OtherServer other{
        .certificate = served, .chain_pem = chain, .min_version = version, .max_version = version};
    other.adjust = [this](SSL_CTX* context) {
      SSL_CTX_set_tlsext_status_cb(context, staple_callback);
      SSL_CTX_set_tlsext_status_arg(context, &staple_);
    };
    return other.make();
  }
  static int staple_callback(SSL* ssl, void* staple) {
    const auto& der = *static_cast<const std::string*>(staple);
    if (der.empty()) return SSL_TLSEXT_ERR_NOACK;
    SSL_set_tlsext_status_ocsp_resp(ssl, OPENSSL_memdup(der.data(), der.size()), der.size());
    return SSL_TLSEXT_ERR_OK;
  }
  // What becomes of it when it is checked, and when it is required. kNone: the session comes up.
  void expect(const std::string& staple, TlsFailure checked, TlsFailure required) {
    staple_ = staple;
    for (const int version : versions) {
      SCOPED_TRACE(version == TLS1_3_VERSION ? "TLS 1.3" : "TLS 1.2");
      const auto server = stapling(leaf, version);
      const auto attempt = [&](OcspStapling ocsp) {
        return connect_once(server.get(), demand({ca_file, ""}, ocsp));
      };
      EXPECT_TRUE(attempt(OcspStapling::kIgnore).up);
      const Attempt with_check = attempt(OcspStapling::kCheck);
      EXPECT_EQ(with_check.failure, checked) << with_check.words;
      EXPECT_EQ(with_check.up, checked == TlsFailure::kNone);
      const Attempt with_require = attempt(OcspStapling::kRequire);
      EXPECT_EQ(with_require.failure, required) << with_require.words;
      EXPECT_EQ(with_require.up, required == TlsFailure::kNone);
      last_words_ = with_require.words;
    }
  }

  std::string staple_;
  std::string last_words_;
};

TEST_F(Stapling, ThatSaysGoodIsGood) {
  expect(make_staple(leaf, root, root), TlsFailure::kNone, TlsFailure::kNone);
  expect(make_staple(leaf, root, root, {.digest = "SHA256"}), TlsFailure::kNone, TlsFailure::kNone);
  expect(make_staple(leaf, root, root, {.has_end = false}), TlsFailure::kNone, TlsFailure::kNone);
}

TEST_F(Stapling, ThatSaysRevokedEndsTheHandshake) {
  expect(make_staple(leaf, root, root, {.status = Status::kRevoked}), TlsFailure::kCertRevoked,
         TlsFailure::kCertRevoked);
  EXPECT_THAT(last_words_, HasSubstr("revoked"));
}

TEST_F(Stapling, ThatIsAbsentMattersOnlyWhereItIsRequired) {
  expect("", TlsFailure::kNone, TlsFailure::kCertUntrusted);
  EXPECT_THAT(last_words_, HasSubstr("a stapled OCSP response is required, and none came"));
}

TEST_F(Stapling, ThatProvesNothingIsAsGoodAsNone) {
  expect("garbage", TlsFailure::kNone, TlsFailure::kCertUntrusted);
  EXPECT_THAT(last_words_, HasSubstr("of no use"));
  const Validity past{hours(-48), hours(-24)};
  expect(make_staple(leaf, root, root, {.validity = past}), TlsFailure::kNone,
         TlsFailure::kCertUntrusted);
  const Validity old{hours(-24 * 8), hours(24)};
  expect(make_staple(leaf, root, root, {.validity = old, .has_end = false}), TlsFailure::kNone,
         TlsFailure::kCertUntrusted);
  expect(make_staple(leaf, root, root, {.status = Status::kUnknown}), TlsFailure::kNone,
         TlsFailure::kCertUntrusted);
  expect(make_staple(make_issued({}, root), root, root), TlsFailure::kNone,
         TlsFailure::kCertUntrusted);
}

TEST_F(Stapling, ThatSomebodyElseHasSignedIsAsGoodAsNone) {
  const StapleOrder revoked{.status = Status::kRevoked};
  const auto stranger = make_self_signed(authority_order("Other Root"));
  const auto colleague = make_issued({}, root);
  for (const auto* signer : {&stranger, &colleague, &leaf}) {
    expect(make_staple(leaf, root, *signer), TlsFailure::kNone, TlsFailure::kCertUntrusted);
    expect(make_staple(leaf, root, *signer, revoked), TlsFailure::kNone,
           TlsFailure::kCertUntrusted);
  }
}

TEST_F(Stapling, BySomebodyWhomTheIssuerHasAppointedCounts) {
  const auto responder =
      make_issued({.common_name = "Responder", .dns_names = {}, .purpose = "OCSPSigning"}, root);
  expect(make_staple(leaf, root, responder), TlsFailure::kNone, TlsFailure::kNone);
  expect(make_staple(leaf, root, responder, {.status = Status::kRevoked}), TlsFailure::kCertRevoked,
         TlsFailure::kCertRevoked);
}

TEST_F(Stapling, OfAnIntermediateCountsForItsLeaves) {
  const auto middle = make_issued(authority_order("Test Intermediate"), root);
  const auto below = make_issued({}, middle);
  const auto server = stapling(below, 0, middle.certificate_pem);
  const auto required = demand({ca_file, ""}, OcspStapling::kRequire);
  staple_ = make_staple(below, middle, middle);
  EXPECT_TRUE(connect_once(server.get(), required).up);
  staple_ = make_staple(below, middle, root);
  EXPECT_FALSE(connect_once(server.get(), required).up) << "the root did not issue it";
}

TEST_F(Stapling, IsNotMissedWhenASessionIsResumed) {
  staple_ = make_staple(leaf, root, root);
  const auto required = demand({ca_file, ""}, OcspStapling::kRequire);
  for (const int version : versions) {
    SCOPED_TRACE(version);
    const auto server = stapling(leaf, version);
    TestClient client(required);
    for (const bool resumed : {false, true, true}) {
      const Attempt attempt = client.connect(server.get(), required);
      ASSERT_TRUE(attempt.up) << attempt.words;
      EXPECT_EQ(attempt.facts.resumed, resumed);
    }
  }
}

TEST(Staple, SurvivesWhateverAServerMaySend) {
  const auto root = make_self_signed(authority_order("Test Root"));
  const auto leaf = make_issued({}, root);
  const std::string whole = make_staple(leaf, root, root);
  EXPECT_EQ(read_staple("", nullptr), Staple::kAbsent);
  EXPECT_EQ(read_staple(whole, nullptr), Staple::kUnusable) << "of whom?";
  for (std::size_t size = 1; size < whole.size(); ++size) {
    EXPECT_EQ(read_staple(whole.substr(0, size), nullptr), Staple::kUnusable);
  }
}

}  // namespace
}  // namespace posthaste::tls
