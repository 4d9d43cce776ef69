#include "lib/tls/own_certificate.h"

#include <fmt/format.h>
#include <openssl/pem.h>

#include <string_view>
#include <utility>

#include "lib/tls/classify.h"
#include "lib/tls/pem_file.h"

namespace posthaste::tls {
namespace {

// Never asks the terminal: a daemon has none.
int no_passphrase(char*, int, int, void*) noexcept { return -1; }

BioPtr bio_of(const std::string& content) {
  return BioPtr(BIO_new_mem_buf(content.data(), static_cast<int>(content.size())));
}

tl::unexpected<Error> refused(const std::string& path, const std::string& what) {
  return fail(ErrorCode::kInvalid, path + ": " + what);
}

// Leaf first, then what leads to a root.
Result<X509Ptr> load_certificates(SSL_CTX* context, const std::string& path) {
  auto content = read_pem_file(path, "the certificate");
  if (!content) return tl::unexpected(content.error());
  const BioPtr bio = bio_of(*content);
  X509Ptr leaf(PEM_read_bio_X509_AUX(bio.get(), nullptr, no_passphrase, nullptr));
  if (!leaf) {
    const std::string words = take_words();
    return refused(path, fmt::format("holds no PEM certificate: {}; it must begin with our own "
                                     "-----BEGIN CERTIFICATE----- block",
                                     words));
  }
  if (SSL_CTX_use_certificate(context, leaf.get()) != 1) {
    return refused(path, fmt::format("OpenSSL does not accept this certificate: {}; a key of at "
                                     "least 2048 bits RSA or 256 bits EC is needed",
                                     take_words()));
  }
  while (X509Ptr next{PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr)}) {
    if (SSL_CTX_add1_chain_cert(context, next.get()) != 1) {
      return refused(path, "an intermediate certificate is not accepted: " + take_words());
    }
  }
  if (auto whole = whole_file(path, "an intermediate certificate"); !whole) {
    return tl::unexpected(whole.error());
  }
  return leaf;
}

Status load_key(SSL_CTX* context, const std::string& path, X509* leaf,
                const std::string& certificate_file) {
  auto content = read_pem_file(path, "the private key");
  if (!content) return tl::unexpected(content.error());
  const BioPtr bio = bio_of(*content);
  const PkeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  const std::string words = key ? std::string() : take_words();
  const bool encrypted = content->find("ENCRYPTED") != std::string::npos;
  OPENSSL_cleanse(content->data(), content->size());
  if (!key && encrypted) {
    return refused(path,
                   "the private key is encrypted: store it without a passphrase (openssl pkey "
                   "-in OLD -out NEW), readable by the daemon's user alone");
  }
  if (!key) {
    return refused(path, fmt::format("holds no PEM private key: {}; it must have a -----BEGIN "
                                     "PRIVATE KEY----- block",
                                     words));
  }
  if (X509_check_private_key(leaf, key.get()) != 1) {
    (void)take_error();
    return refused(path,
                   fmt::format("the private key does not belong to the certificate in {}: its "
                               "first certificate must be our own; or the key is of "
                               "another (older?) certificate",
                               certificate_file));
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    return refused(path, "OpenSSL does not accept this private key: " + take_words());
  }
  return {};
}

}  // namespace

std::string expiry_warning(const std::string& path, const X509* leaf) {
  const bool expired = X509_cmp_current_time(X509_get0_notAfter(leaf)) < 0;
  if (!expired && X509_cmp_current_time(X509_get0_notBefore(leaf)) < 0) return {};
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio) return {};
  ASN1_TIME_print(bio.get(), expired ? X509_get0_notAfter(leaf) : X509_get0_notBefore(leaf));
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return fmt::format("the certificate {} {} {}: clients that check will refuse it; renew it", path,
                     expired ? "has expired on" : "is not valid before",
                     std::string_view(data, size > 0 ? static_cast<std::size_t>(size) : 0));
}

Result<X509Ptr> load_own_certificate(SSL_CTX* context, const std::string& certificate_file,
                                     const std::string& private_key_file) {
  auto leaf = load_certificates(context, certificate_file);
  if (!leaf) return leaf;
  const Status loaded = load_key(context, private_key_file, leaf->get(), certificate_file);
  if (!loaded) return tl::unexpected(loaded.error());
  return leaf;
}

}  // namespace posthaste::tls
