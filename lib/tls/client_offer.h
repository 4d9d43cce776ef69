// ClientOffer: what a client said it can do, kept while its handshake lasts, so that a refusal can
// say what was refused.
//
// Limits       the first 20 of each list.
// Implements   RFC 8446 §4.1.2, §4.2.1, §4.2.7.
// Does not     decide anything.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/tls/openssl.h"

namespace posthaste::tls {

struct ClientOffer {
  std::vector<std::uint16_t> versions, ciphers, groups;  // as on the wire; all empty: no hello yet
};

// REQUIRES a call from OpenSSL's client hello callback.
ClientOffer read_offer(SSL* ssl);
// "TLSv1.0 with TLS_RSA_WITH_AES_128_CBC_SHA; groups X25519"; empty for an empty offer. `ssl` knows
// the ciphers' names.
std::string render(const ClientOffer& offer, const SSL* ssl);

}  // namespace posthaste::tls
