#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <array>
#include <string_view>
#include <utility>

#include "lib/base/check.h"
#include "lib/tls/certificate.h"
#include "lib/tls/classify.h"
#include "lib/tls/context_builder.h"
#include "lib/tls/context_state.h"
#include "lib/tls/own_certificate.h"
#include "lib/tls/pem_file.h"
#include "lib/tls/server_callbacks.h"
#include "lib/tls/trust.h"

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

using DigestPtr = std::unique_ptr<EVP_MD_CTX, FreeWith<EVP_MD_CTX_free>>;

// Names what a session stands for: the certificate that we showed, and the rules by which the
// client's was judged. Where one of them changes, what was said before is not taken for granted.
class SessionRules {
 public:
  SessionRules() : digest_(EVP_MD_CTX_new()) {
    CHECK(EVP_DigestInit_ex(digest_.get(), EVP_sha256(), nullptr) == 1);
  }
  void add(std::string_view text) {
    const std::uint64_t size = text.size();
    CHECK(EVP_DigestUpdate(digest_.get(), &size, sizeof size) == 1);
    CHECK(EVP_DigestUpdate(digest_.get(), text.data(), text.size()) == 1);
  }
  // Without a context id a resumed session fails as soon as client certificates are asked for
  // (reason 277).
  void set(SSL_CTX* context) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> id{};
    unsigned size = 0;
    CHECK(EVP_DigestFinal_ex(digest_.get(), id.data(), &size) == 1);
    CHECK(SSL_CTX_set_session_id_context(context, id.data(), size) == 1);
  }

 private:
  DigestPtr digest_;
};

void keep_no_sessions_but_tickets(SSL_CTX* context) {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // the client keeps them
  SSL_CTX_set_num_tickets(context, 2);
  CHECK(SSL_CTX_set_session_ticket_cb(context, stamp_ticket, weigh_ticket, nullptr) == 1);
  TicketKeys keys = ticket_keys();
  CHECK(SSL_CTX_set_tlsext_ticket_keys(context, keys.data(), static_cast<long>(keys.size())) == 1);
}

// The names of whom we believe, so that a client with several certificates shows the right one.
Status name_authorities(SSL_CTX* context, const std::string& ca_file) {
  STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(ca_file.c_str());
  if (names == nullptr) return fail(ErrorCode::kInvalid, ca_file + ": " + take_words());
  SSL_CTX_set_client_CA_list(context, names);
  return {};
}

Status ask_clients(SSL_CTX* context, const ServerContext::Options& options, SessionRules& rules) {
  if (options.client_certificates == ClientCertificates::kIgnore) return {};
  const policy::TrustStore& trust = options.client_trust;
  if (trust.ca_file.empty()) {
    return fail(ErrorCode::kInvalid,
                "client certificates are asked for without a CA file: name the file with the "
                "certificates of those who issue them");
  }
  if (auto trusted = add_trust(context, trust); !trusted) return trusted;
  for (const std::string* path : {&trust.ca_file, &trust.crl_file}) {
    auto content = path->empty() ? Result<std::string>("") : read_pem_file(*path, "the file");
    if (!content) return tl::unexpected(content.error());
    rules.add(*content);
  }
  if (auto named = name_authorities(context, trust.ca_file); !named) return named;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE, nullptr);
  SSL_CTX_set_cert_verify_callback(context, judge_client_certificate, nullptr);
  return {};
}

}  // namespace

Result<std::unique_ptr<ServerContext>> ServerContext::make(const Options& options,
                                                           std::string* warning) {
  auto context = build_context(Side::kServer, options.profile);
  if (!context) return tl::unexpected(context.error());
  SSL_CTX* raw = context->get();
  auto leaf = load_own_certificate(raw, options.certificate_file, options.private_key_file);
  if (!leaf) return tl::unexpected(leaf.error());
  if (warning != nullptr) *warning = expiry_warning(options.certificate_file, leaf->get());
  SessionRules rules;
  rules.add(der_of(leaf->get()));
  rules.add(options.profile.name);
  if (auto asked = ask_clients(raw, options, rules); !asked) return tl::unexpected(asked.error());
  rules.set(raw);
  keep_no_sessions_but_tickets(raw);
  SSL_CTX_set_client_hello_cb(raw, note_client_hello, nullptr);
  auto state = std::make_shared<State>();
  state->context = std::move(*context);
  state->profile = options.profile.name;
  return std::unique_ptr<ServerContext>(new ServerContext(std::move(state)));
}

ServerContext::ServerContext(std::shared_ptr<State> state) : state_(std::move(state)) {}
ServerContext::~ServerContext() = default;

}  // namespace posthaste::tls
