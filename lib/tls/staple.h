// Staple: what an OCSP response that came with the handshake says of a certificate.
//
// Limits       five minutes of clock skew; a response without nextUpdate is good for seven days.
// Implements   RFC 6960 §3.2, §4.2.2; RFC 6066 §8.
// Does not     ask a responder; decide what absence means. See expectation.h.
#pragma once

#include <string_view>

#include "lib/tls/openssl.h"

namespace posthaste::tls {

enum class Staple : unsigned char {
  kGood,
  kRevoked,
  kAbsent,
  kUnusable,  // no response, not of the certificate's issuer, not of it, too old, or "unknown"
};

// `response`: DER; empty: none came. `chain`: as verified, leaf first.
Staple read_staple(std::string_view response, STACK_OF(X509) * chain);

}  // namespace posthaste::tls
