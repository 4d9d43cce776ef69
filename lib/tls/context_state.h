// What stands behind ClientContext and ServerContext. For the .cc files of lib/tls only.
//
// Does not     belong into any header outside lib/tls.
#pragma once

#include <string>

#include "lib/tls/context.h"
#include "lib/tls/openssl.h"
#include "lib/tls/session_cache.h"

namespace posthaste::tls {

struct ClientContext::State {
  SslCtxPtr context;
  std::string profile;
  SessionCache sessions;
};

struct ServerContext::State {
  SslCtxPtr context;
  std::string profile;
};

// Callbacks that a ClientContext sets; they find the stream by SSL_get_app_data().
int keep_session(SSL* ssl, SSL_SESSION* session) noexcept;
int note_certificate_request(SSL* ssl, X509** certificate, EVP_PKEY** key) noexcept;

}  // namespace posthaste::tls
