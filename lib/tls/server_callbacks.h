// What OpenSSL calls while one of our server's handshakes lasts; set by server_context.cc, done by
// server_stream.cc. Each finds its stream by SSL_get_app_data().
//
// Does not     belong into any header outside lib/tls.
#pragma once

#include <cstddef>

#include "lib/tls/openssl.h"

namespace posthaste::tls {

int note_client_hello(SSL* ssl, int* alert, void* unused) noexcept;
int judge_client_certificate(X509_STORE_CTX* chain, void* unused) noexcept;
// A ticket carries the time at which the client's chain was verified, and is of no use a day later.
int stamp_ticket(SSL* ssl, void* unused) noexcept;
SSL_TICKET_RETURN weigh_ticket(SSL* ssl, SSL_SESSION* session, const unsigned char* key_name,
                               std::size_t key_name_size, SSL_TICKET_STATUS status,
                               void* unused) noexcept;

}  // namespace posthaste::tls
