#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include <array>
#include <string_view>
#include <utility>

#include "lib/base/check.h"
#include "lib/tls/classify.h"
#include "lib/tls/context_builder.h"
#include "lib/tls/context_state.h"
#include "lib/tls/pem_file.h"

namespace posthaste::tls {
namespace {

constexpr std::size_t kTicketKeyBytes = 80;  // what OpenSSL 3 wants: name, HMAC key, AES key

// One secret for all contexts of the process: with a context per worker a ticket is good whoever
// answers next time. It lives as long as OpenSSL's own would: until the process ends.
using TicketKeys = std::array<unsigned char, kTicketKeyBytes>;
const TicketKeys& ticket_keys() {
  static const TicketKeys keys = [] {
    TicketKeys fresh{};
    CHECK(RAND_priv_bytes(fresh.data(), static_cast<int>(fresh.size())) == 1);
    return fresh;
  }();
  return keys;
}

// Never asks the terminal: a daemon has none.
int no_passphrase(char*, int, int, void*) noexcept { return -1; }

BioPtr bio_of(const std::string& content) {
  return BioPtr(BIO_new_mem_buf(content.data(), static_cast<int>(content.size())));
}

tl::unexpected<Error> refused(const std::string& path, const std::string& what) {
  return fail(ErrorCode::kInvalid, path + ": " + what);
}

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

// Leaf first, then what leads to a root.
Result<X509Ptr> load_certificates(SSL_CTX* context, const std::string& path) {
  auto content = read_pem_file(path, "the certificate");
  if (!content) return tl::unexpected(content.error());
  const BioPtr bio = bio_of(*content);
  X509Ptr leaf(PEM_read_bio_X509_AUX(bio.get(), nullptr, no_passphrase, nullptr));
  if (!leaf) {
    const std::string words = take_words();
    return refused(path,
                   fmt::format("holds no PEM certificate: {}; it must begin with the server's "
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
  const unsigned long end = take_error();
  if (end != 0 && ERR_GET_REASON(end) != PEM_R_NO_START_LINE) {
    return refused(path,
                   "an intermediate certificate is damaged; copy the chain again from its CA");
  }
  return leaf;
}

Status load_key(SSL_CTX* context, const ServerCertificate& files, X509* leaf) {
  const std::string& path = files.private_key_file;
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
                               "first certificate must be the server's own; or the key is of "
                               "another (older?) certificate",
                               files.certificate_file));
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    return refused(path, "OpenSSL does not accept this private key: " + take_words());
  }
  return {};
}

// Sessions are good only where the same certificate is served under the same rules.
void set_session_rules(SSL_CTX* context, const policy::TlsProfile& profile, const X509* leaf) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> id{};
  unsigned size = 0;
  CHECK(X509_digest(leaf, EVP_sha256(), id.data(), &size) == 1);
  for (std::size_t i = 0; i < profile.name.size(); ++i) {
    id[i % size] ^= static_cast<unsigned char>(profile.name[i]);
  }
  // Without a context id a resumed session fails as soon as client certificates are asked for
  // (reason 277).
  CHECK(SSL_CTX_set_session_id_context(context, id.data(), size) == 1);
  SSL_CTX_set_session_cache_mode(context,
                                 SSL_SESS_CACHE_OFF);  // tickets only: the client keeps them
  SSL_CTX_set_num_tickets(context, 2);
  TicketKeys keys = ticket_keys();
  CHECK(SSL_CTX_set_tlsext_ticket_keys(context, keys.data(), static_cast<long>(keys.size())) == 1);
}

}  // namespace

Result<std::unique_ptr<ServerContext>> ServerContext::make(const ServerCertificate& certificate,
                                                           const policy::TlsProfile& profile,
                                                           std::string* warning) {
  auto context = build_context(Side::kServer, profile);
  if (!context) return tl::unexpected(context.error());
  auto leaf = load_certificates(context->get(), certificate.certificate_file);
  if (!leaf) return tl::unexpected(leaf.error());
  const Status loaded = load_key(context->get(), certificate, leaf->get());
  if (!loaded) return tl::unexpected(loaded.error());
  if (warning != nullptr) *warning = expiry_warning(certificate.certificate_file, leaf->get());
  set_session_rules(context->get(), profile, leaf->get());
  auto state = std::make_shared<State>();
  state->context = std::move(*context);
  state->profile = profile.name;
  return std::unique_ptr<ServerContext>(new ServerContext(std::move(state)));
}

ServerContext::ServerContext(std::shared_ptr<State> state) : state_(std::move(state)) {}
ServerContext::~ServerContext() = default;

}  // namespace posthaste::tls
