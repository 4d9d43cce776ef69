#include <fmt/format.h>
#include <openssl/pem.h>

#include <utility>

#include "lib/tls/classify.h"
#include "lib/tls/context_builder.h"
#include "lib/tls/context_state.h"
#include "lib/tls/pem_file.h"

namespace posthaste::tls {
namespace {

// The system's roots are a folder that OpenSSL looks into when a chain asks for one, and remembers:
// nothing is loaded per connection, and nothing that no peer needs.
Status trust_system(SSL_CTX* context) {
  if (SSL_CTX_set_default_verify_paths(context) == 1) return {};
  return fail(ErrorCode::kIo, "cannot open the system's trust store: " + take_words());
}

Status trust_file(SSL_CTX* context, const std::string& path) {
  auto content = read_pem_file(path, "the CA file");
  if (!content) return tl::unexpected(content.error());
  const BioPtr bio(BIO_new_mem_buf(content->data(), static_cast<int>(content->size())));
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  int count = 0;
  while (X509Ptr root{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)}) {
    if (X509_STORE_add_cert(store, root.get()) == 1) ++count;
  }
  (void)take_error();  // the end of a PEM file is an error to OpenSSL
  if (count > 0) return {};
  return fail(ErrorCode::kInvalid,
              fmt::format("the CA file {} holds no certificate: it must have at least one "
                          "-----BEGIN CERTIFICATE----- block",
                          path));
}

}  // namespace

Result<std::unique_ptr<ClientContext>> ClientContext::make(const policy::TlsProfile& profile,
                                                           const std::string& ca_file) {
  auto context = build_context(Side::kClient, profile);
  if (!context) return tl::unexpected(context.error());
  SSL_CTX* raw = context->get();
  const Status trusted = ca_file.empty() ? trust_system(raw) : trust_file(raw, ca_file);
  if (!trusted) return tl::unexpected(trusted.error());
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(raw, keep_session);
  SSL_CTX_set_client_cert_cb(raw, note_certificate_request);
  auto state = std::make_shared<State>();
  state->context = std::move(*context);
  state->profile = profile.name;
  return std::unique_ptr<ClientContext>(new ClientContext(std::move(state)));
}

ClientContext::ClientContext(std::shared_ptr<State> state) : state_(std::move(state)) {}
ClientContext::~ClientContext() = default;

}  // namespace posthaste::tls
