#include "tests/unit/tls/test_certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "lib/base/check.h"
#include "lib/tls/openssl.h"

namespace posthaste::tls {
namespace {

PkeyPtr make_key(CertificateOrder::Key kind) {
  switch (kind) {
    case CertificateOrder::Key::kP256: return PkeyPtr(EVP_EC_gen("P-256"));
    case CertificateOrder::Key::kRsa2048: return PkeyPtr(EVP_RSA_gen(2048));
    case CertificateOrder::Key::kRsa1024: return PkeyPtr(EVP_RSA_gen(1024));
  }
  return nullptr;
}

std::string content_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<std::size_t>(size));
}

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  CHECK(extension != nullptr);
  CHECK(X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

std::string alternative_names(const CertificateOrder& order) {
  std::string all;
  for (const auto& name : order.dns_names) all += (all.empty() ? "DNS:" : ",DNS:") + name;
  for (const auto& address : order.addresses) all += (all.empty() ? "IP:" : ",IP:") + address;
  return all;
}

void fill(X509* certificate, const CertificateOrder& order, EVP_PKEY* key, X509* issuer) {
  CHECK(X509_set_version(certificate, X509_VERSION_3) == 1);
  std::uint32_t serial = 0;
  CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), order.begins.count());
  X509_gmtime_adj(X509_getm_notAfter(certificate), order.ends.count());
  X509_set_pubkey(certificate, key);
  X509_NAME* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(order.common_name.c_str()), -1,
                             -1, 0);
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
  add_extension(certificate, issuer, NID_basic_constraints,
                order.authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  if (order.authority) add_extension(certificate, issuer, NID_key_usage, "keyCertSign,cRLSign");
  if (!order.authority && !order.purpose.empty()) {
    add_extension(certificate, issuer, NID_ext_key_usage, order.purpose);
  }
  if (const auto names = alternative_names(order); !names.empty()) {
    add_extension(certificate, issuer, NID_subject_alt_name, names);
  }
}

TestCertificate pem_of(X509* certificate, EVP_PKEY* key) {
  const BioPtr certificate_bio(BIO_new(BIO_s_mem()));
  CHECK(PEM_write_bio_X509(certificate_bio.get(), certificate) == 1);
  const BioPtr key_bio(BIO_new(BIO_s_mem()));
  CHECK(PEM_write_bio_PrivateKey(key_bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return {content_of(certificate_bio.get()), content_of(key_bio.get())};
}

void sign(X509* certificate, EVP_PKEY* key, const CertificateOrder& order) {
  CHECK(X509_sign(certificate, key, EVP_get_digestbyname(order.digest.c_str())) > 0);
}

}  // namespace

CertificateOrder authority_order(const std::string& name) {
  return {.common_name = name, .dns_names = {}, .authority = true, .purpose = {}};
}

CertificateOrder expired_order() {
  return {.begins = std::chrono::hours(-48), .ends = std::chrono::hours(-24)};
}

CertificateOrder not_yet_valid_order() {
  return {.begins = std::chrono::hours(24), .ends = std::chrono::hours(48)};
}

TestCertificate make_self_signed(const CertificateOrder& order) {
  const PkeyPtr key = make_key(order.key);
  const X509Ptr certificate(X509_new());
  fill(certificate.get(), order, key.get(), certificate.get());
  sign(certificate.get(), key.get(), order);
  return pem_of(certificate.get(), key.get());
}

TestCertificate make_issued(const CertificateOrder& order, const TestCertificate& issuer) {
  const BioPtr certificate_bio(BIO_new_mem_buf(issuer.certificate_pem.data(), -1));
  const X509Ptr issuer_certificate(
      PEM_read_bio_X509(certificate_bio.get(), nullptr, nullptr, nullptr));
  const BioPtr key_bio(BIO_new_mem_buf(issuer.key_pem.data(), -1));
  const PkeyPtr issuer_key(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, nullptr, nullptr));
  CHECK(issuer_certificate && issuer_key);
  const PkeyPtr key = make_key(order.key);
  const X509Ptr certificate(X509_new());
  fill(certificate.get(), order, key.get(), issuer_certificate.get());
  sign(certificate.get(), issuer_key.get(), order);
  return pem_of(certificate.get(), key.get());
}

CertificateFolder::CertificateFolder() {
  path_ = (std::filesystem::temp_directory_path() / "posthaste-tls-XXXXXX").string();
  CHECK(mkdtemp(path_.data()) != nullptr);
}

CertificateFolder::~CertificateFolder() { std::filesystem::remove_all(path_); }

std::string CertificateFolder::write(const std::string& name, const std::string& content) const {
  std::ofstream(path(name)) << content;
  return path(name);
}

}  // namespace posthaste::tls
