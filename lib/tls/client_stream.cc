#include <openssl/err.h>
#include <sys/socket.h>

#include <array>
#include <ctime>
#include <utility>

#include "lib/base/check.h"
#include "lib/io/socket_address.h"
#include "lib/tls/client_callbacks.h"
#include "lib/tls/facts.h"
#include "lib/tls/stream_state.h"

namespace posthaste::tls {
namespace {

ClientPart& client_of(const SSL* ssl) {
  return *static_cast<TlsStream::State*>(SSL_get_app_data(ssl))->client;
}

// Everything that a session's verdict depended on and that is not the context's: see
// session_cache.h. What was demanded goes in as a digest, for TLSA records can be long.
std::string session_key(int fd, const MxName& host, const policy::TlsDemand* demand) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  std::string key = host.text() + ' ';
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &size) == 0) {
    if (const auto endpoint = io::endpoint_of(storage)) key += render_endpoint(*endpoint);
  }
  if (demand == nullptr) return key;
  const std::string demanded = policy::key_of(*demand);
  std::array<char, EVP_MAX_MD_SIZE> digest{};
  unsigned octets = 0;
  CHECK(EVP_Digest(demanded.data(), demanded.size(),
                   reinterpret_cast<unsigned char*>(digest.data()), &octets, EVP_sha256(),
                   nullptr) == 1);
  return key + ' ' + std::string(digest.data(), octets);
}

}  // namespace

int keep_session(SSL* ssl, SSL_SESSION* session) noexcept {
  ClientPart& client = client_of(ssl);
  // A session that was resumed has not verified its chain again, and what comes of it is as old.
  const std::time_t proven = SSL_session_reused(ssl) == 1 ? client.proven : std::time(nullptr);
  client.context->sessions.put(client.key, SessionPtr(session), proven);
  return 1;  // the session is ours now
}

int note_certificate_request(SSL* ssl, void*) noexcept {
  client_of(ssl).asked_for_certificate = true;
  return 1;  // go on, with ours or with none
}

// In place of OpenSSL's own verification, so that the peer gets the alert that fits.
int judge_certificate(X509_STORE_CTX* chain, void*) noexcept {
  const auto* ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
  ClientPart& client = client_of(ssl);
  const long code = client.expectation.verdict_on(chain);
  X509_STORE_CTX_set_error(chain, static_cast<int>(code));
  if (code == X509_V_OK) return 1;
  if (client.expectation.enforced()) client.refuse(code, X509_STORE_CTX_get0_cert(chain));
  return 0;
}

int judge_staple(SSL* ssl, void*) noexcept {
  if (SSL_session_reused(ssl) == 1) return 1;  // nothing is stapled then
  ClientPart& client = client_of(ssl);
  const long code = client.expectation.verdict_on_staple(ssl);
  if (code == X509_V_OK) return 1;
  client.refuse(code, nullptr);
  return 0;
}

void ClientPart::refuse(long code, X509* leaf) {
  refused = code;
  refusal = expectation.words_for(code, leaf);
}

io::IoResult TlsStream::State::accept_server() {
  X509* leaf = SSL_get0_peer_certificate(ssl.get());
  const Expectation& expectation = client->expectation;
  const long code =
      leaf != nullptr ? expectation.verdict_on(ssl.get(), leaf) : X509_V_ERR_UNSPECIFIED;
  if (expectation.enforced() && code != X509_V_OK) {
    // A session that was resumed, or no certificate at all: in the handshake nobody asked us.
    client->refuse(code, leaf);
    fail({.ssl_error = SSL_ERROR_SSL,
          .code = ERR_PACK(ERR_LIB_SSL, 0, SSL_R_CERTIFICATE_VERIFY_FAILED),
          .verify_code = code});
    return {.status = io::IoStatus::kError};
  }
  facts = facts_of(ssl.get(), profile, {code, expectation.authenticates_by()});
  return {};
}

Result<std::unique_ptr<TlsStream>> TlsStream::client(
    ClientContext& context, int fd, const MxName& host,
    const std::shared_ptr<const policy::TlsDemand>& demand) {
  const auto& made_for = *context.state();
  CHECK(!demand || (demand->trust == made_for.trust && demand->identity == made_for.identity));
  auto state = std::make_unique<State>();
  State& s = *state;
  s.profile = made_for.profile;
  s.client.emplace(ClientPart{.context = context.state(),
                              .expectation = Expectation(host, demand),
                              .key = session_key(fd, host, demand.get())});
  ClientPart& client = *s.client;
  s.ssl.reset(SSL_new(made_for.context.get()));
  SSL* ssl = s.ssl.get();
  if (ssl == nullptr || SSL_set_fd(ssl, fd) != 1 || !client.expectation.prepare(ssl)) {
    return posthaste::fail(ErrorCode::kInvalid,
                           "cannot begin a TLS session with " + host.text() + ": " + take_words());
  }
  SSL_set_app_data(ssl, &s);
  if (auto kept = client.context->sessions.take(client.key); kept.session) {
    client.offered_session = SSL_set_session(ssl, kept.session.get()) == 1;
    client.proven = kept.proven;
  }
  SSL_set_connect_state(ssl);
  return std::unique_ptr<TlsStream>(new TlsStream(std::move(state)));
}

}  // namespace posthaste::tls
