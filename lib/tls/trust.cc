#include "lib/tls/trust.h"

#include <fmt/format.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "lib/tls/classify.h"
#include "lib/tls/pem_file.h"

namespace posthaste::tls {
namespace {

using CrlPtr = std::unique_ptr<X509_CRL, FreeWith<X509_CRL_free>>;

// Whether the system keeps its roots as a folder, one file for each, named by a hash.
bool has_folder_of_roots() {
  if (std::getenv(X509_get_default_cert_file_env()) != nullptr) return false;  // somebody's wish
  const char* chosen = std::getenv(X509_get_default_cert_dir_env());
  std::error_code error;
  const std::filesystem::directory_iterator files(
      chosen != nullptr ? chosen : X509_get_default_cert_dir(), error);
  return std::any_of(begin(files), end(files),
                     [](const auto& file) { return file.path().extension() == ".0"; });
}

// Into a folder OpenSSL looks when a chain asks for a root, and remembers: nothing is loaded that
// no peer needs. The bundle that Debian has besides costs each context 30 ms and a megabyte.
Status trust_system(SSL_CTX* context) {
  const int opened = has_folder_of_roots() ? SSL_CTX_set_default_verify_dir(context)
                                           : SSL_CTX_set_default_verify_paths(context);
  if (opened == 1) return {};
  return fail(ErrorCode::kIo, "cannot open the system's trust store: " + take_words());
}

tl::unexpected<Error> holds_none(const char* role, const std::string& path, const char* what,
                                 const char* block) {
  return fail(ErrorCode::kInvalid,
              fmt::format("{} {} holds no {}: it must have at least one -----BEGIN {}----- block",
                          role, path, what, block));
}

Status add_authorities(X509_STORE* store, const std::string& path) {
  auto content = read_pem_file(path, "the CA file");
  if (!content) return tl::unexpected(content.error());
  const BioPtr bio(BIO_new_mem_buf(content->data(), static_cast<int>(content->size())));
  int count = 0;
  while (X509Ptr root{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)}) {
    if (X509_STORE_add_cert(store, root.get()) == 1) ++count;
  }
  if (auto whole = whole_file(path, "a certificate"); !whole) return whole;
  if (count == 0) return holds_none("the CA file", path, "certificate", "CERTIFICATE");
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  return {};
}

Status add_revocations(X509_STORE* store, const std::string& path) {
  auto content = read_pem_file(path, "the CRL file");
  if (!content) return tl::unexpected(content.error());
  const BioPtr bio(BIO_new_mem_buf(content->data(), static_cast<int>(content->size())));
  int count = 0;
  while (CrlPtr list{PEM_read_bio_X509_CRL(bio.get(), nullptr, nullptr, nullptr)}) {
    if (X509_STORE_add_crl(store, list.get()) == 1) ++count;
  }
  if (auto whole = whole_file(path, "a revocation list"); !whole) return whole;
  if (count == 0) return holds_none("the CRL file", path, "revocation list", "X509 CRL");
  X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
  return {};
}

}  // namespace

Status add_trust(SSL_CTX* context, const policy::TrustStore& trust) {
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  const Status authorities =
      trust.ca_file.empty() ? trust_system(context) : add_authorities(store, trust.ca_file);
  if (!authorities || trust.crl_file.empty()) return authorities;
  return add_revocations(store, trust.crl_file);
}

}  // namespace posthaste::tls
