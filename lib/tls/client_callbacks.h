// What OpenSSL calls while one of our client's handshakes lasts; set by client_context.cc, done by
// client_stream.cc. Each finds its stream by SSL_get_app_data().
//
// Does not     belong into any header outside lib/tls.
#pragma once

#include "lib/tls/openssl.h"

namespace posthaste::tls {

int keep_session(SSL* ssl, SSL_SESSION* session) noexcept;
int note_certificate_request(SSL* ssl, void* unused) noexcept;
int judge_certificate(X509_STORE_CTX* chain, void* unused) noexcept;
int judge_staple(SSL* ssl, void* unused) noexcept;

}  // namespace posthaste::tls
