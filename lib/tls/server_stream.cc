#include <cstring>
#include <ctime>
#include <utility>

#include "lib/tls/certificate.h"
#include "lib/tls/facts.h"
#include "lib/tls/server_callbacks.h"
#include "lib/tls/stream_state.h"

namespace posthaste::tls {

int note_client_hello(SSL* ssl, int*, void*) noexcept {
  static_cast<TlsStream::State*>(SSL_get_app_data(ssl))->offer = read_offer(ssl);
  return SSL_CLIENT_HELLO_SUCCESS;
}

// Whatever the verdict, the session comes up: SMTP has words for a refusal, which people can read,
// and the same ones on every port. The verdict stays with the session, resumed or not, and
// accept_client() reads it.
int judge_client_certificate(X509_STORE_CTX* chain, void*) noexcept {
  const bool good = X509_verify_cert(chain) == 1;
  if (!good && X509_STORE_CTX_get_error(chain) == X509_V_OK) {
    X509_STORE_CTX_set_error(chain, X509_V_ERR_UNSPECIFIED);
  }
  return 1;
}

// Each resumption gives new tickets, and none of them looks at the chain again: they stay as old as
// the first.
int stamp_ticket(SSL* ssl, void*) noexcept {
  if (SSL_session_reused(ssl) == 1) return 1;
  const std::time_t now = std::time(nullptr);
  return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), &now, sizeof now);
}

SSL_TICKET_RETURN weigh_ticket(SSL*, SSL_SESSION* session, const unsigned char*, std::size_t,
                               SSL_TICKET_STATUS status, void*) noexcept {
  const bool ours = status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW;
  if (!ours) return SSL_TICKET_RETURN_IGNORE_RENEW;
  void* stamp = nullptr;
  std::size_t size = 0;
  std::time_t proven = 0;
  if (SSL_SESSION_get0_ticket_appdata(session, &stamp, &size) != 1 || size != sizeof proven) {
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  }
  std::memcpy(&proven, stamp, size);
  if (std::time(nullptr) - proven >= kProofSecondsMax) return SSL_TICKET_RETURN_IGNORE_RENEW;
  return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

// A certificate that was not asked for is no certificate; none at all "verifies" to OpenSSL.
void TlsStream::State::accept_client() {
  long code = SSL_get_verify_result(ssl.get());
  const X509* leaf = SSL_get0_peer_certificate(ssl.get());
  if (leaf != nullptr && code == X509_V_OK) code = verdict_on_dates(leaf);
  facts = facts_of(ssl.get(), profile, {code, policy::TlsAuthentication::kPkix});
  offer = {};
}

Result<std::unique_ptr<TlsStream>> TlsStream::server(ServerContext& context, int fd) {
  auto state = std::make_unique<State>();
  state->profile = context.state()->profile;
  state->ssl.reset(SSL_new(context.state()->context.get()));
  if (!state->ssl || SSL_set_fd(state->ssl.get(), fd) != 1) {
    return posthaste::fail(ErrorCode::kFull, "cannot begin a TLS session: " + take_words());
  }
  SSL_set_app_data(state->ssl.get(), state.get());
  SSL_set_accept_state(state->ssl.get());
  return std::unique_ptr<TlsStream>(new TlsStream(std::move(state)));
}

}  // namespace posthaste::tls
