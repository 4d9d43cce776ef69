#include "tests/unit/tls/test_revocation.h"

#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <ctime>

#include "lib/base/check.h"
#include "lib/tls/openssl.h"

namespace posthaste::tls {
namespace {

using TimePtr = std::unique_ptr<ASN1_TIME, FreeWith<ASN1_TIME_free>>;

X509Ptr certificate_of(const TestCertificate& made) {
  const BioPtr bio(BIO_new_mem_buf(made.certificate_pem.data(), -1));
  X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  CHECK(certificate);
  return certificate;
}

PkeyPtr key_of(const TestCertificate& made) {
  const BioPtr bio(BIO_new_mem_buf(made.key_pem.data(), -1));
  PkeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  CHECK(key);
  return key;
}

TimePtr from_now(std::chrono::seconds offset) {
  return TimePtr(ASN1_TIME_set(nullptr, std::time(nullptr) + offset.count()));
}

void revoke(X509_CRL* list, const TestCertificate& subject) {
  const X509Ptr certificate = certificate_of(subject);
  X509_REVOKED* entry = X509_REVOKED_new();
  CHECK(X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(certificate.get())) == 1);
  CHECK(X509_REVOKED_set_revocationDate(entry, from_now(std::chrono::seconds(-60)).get()) == 1);
  CHECK(X509_CRL_add0_revoked(list, entry) == 1);
}

int status_number(StapleOrder::Status status) {
  switch (status) {
    case StapleOrder::Status::kGood: return V_OCSP_CERTSTATUS_GOOD;
    case StapleOrder::Status::kRevoked: return V_OCSP_CERTSTATUS_REVOKED;
    case StapleOrder::Status::kUnknown: return V_OCSP_CERTSTATUS_UNKNOWN;
  }
  return V_OCSP_CERTSTATUS_UNKNOWN;
}

}  // namespace

std::string make_revocation_list(const TestCertificate& issuer,
                                 const std::vector<TestCertificate>& revoked, Validity validity) {
  const X509Ptr authority = certificate_of(issuer);
  const std::unique_ptr<X509_CRL, FreeWith<X509_CRL_free>> list(X509_CRL_new());
  CHECK(X509_CRL_set_version(list.get(), X509_CRL_VERSION_2) == 1);
  CHECK(X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(authority.get())) == 1);
  CHECK(X509_CRL_set1_lastUpdate(list.get(), from_now(validity.begins).get()) == 1);
  CHECK(X509_CRL_set1_nextUpdate(list.get(), from_now(validity.ends).get()) == 1);
  for (const auto& subject : revoked) revoke(list.get(), subject);
  CHECK(X509_CRL_sort(list.get()) == 1);
  CHECK(X509_CRL_sign(list.get(), key_of(issuer).get(), EVP_sha256()) > 0);
  const BioPtr bio(BIO_new(BIO_s_mem()));
  CHECK(PEM_write_bio_X509_CRL(bio.get(), list.get()) == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

std::string make_staple(const TestCertificate& subject, const TestCertificate& issuer,
                        const TestCertificate& signer, const StapleOrder& order) {
  const X509Ptr certificate = certificate_of(subject);
  const X509Ptr authority = certificate_of(issuer);
  const std::unique_ptr<OCSP_BASICRESP, FreeWith<OCSP_BASICRESP_free>> basic(OCSP_BASICRESP_new());
  const std::unique_ptr<OCSP_CERTID, FreeWith<OCSP_CERTID_free>> id(OCSP_cert_to_id(
      EVP_get_digestbyname(order.digest.c_str()), certificate.get(), authority.get()));
  const TimePtr begins = from_now(order.validity.begins);
  const TimePtr ends = from_now(order.validity.ends);
  const TimePtr revoked = from_now(std::chrono::seconds(-7200));
  const bool is_revoked = order.status == StapleOrder::Status::kRevoked;
  CHECK(OCSP_basic_add1_status(basic.get(), id.get(), status_number(order.status),
                               OCSP_REVOKED_STATUS_KEYCOMPROMISE,
                               is_revoked ? revoked.get() : nullptr, begins.get(),
                               order.has_end ? ends.get() : nullptr) != nullptr);
  CHECK(OCSP_basic_sign(basic.get(), certificate_of(signer).get(), key_of(signer).get(),
                        EVP_sha256(), nullptr, 0) == 1);
  const std::unique_ptr<OCSP_RESPONSE, FreeWith<OCSP_RESPONSE_free>> response(
      OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get()));
  unsigned char* bytes = nullptr;
  const int size = i2d_OCSP_RESPONSE(response.get(), &bytes);
  CHECK(size > 0);
  std::string der(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return der;
}

}  // namespace posthaste::tls
