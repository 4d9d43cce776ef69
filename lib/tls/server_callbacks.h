// What OpenSSL calls while one of our server's handshakes lasts; set by server_context.cc, done by
// server_stream.cc. Each finds its stream by SSL_get_app_data().
//
// Does not     belong into any header outside lib/tls.
#pragma once

#include "lib/tls/openssl.h"

namespace posthaste::tls {

int note_client_hello(SSL* ssl, int* alert, void* unused) noexcept;
int judge_client_certificate(X509_STORE_CTX* chain, void* unused) noexcept;

}  // namespace posthaste::tls
