// facts_of: the one place where TlsFacts are made, for both directions, STARTTLS and implicit TLS
// alike.
//
// Does not     decide whether what it found is good enough. See expectation.h for verdicts.
#pragma once

#include <string>

#include "lib/policy/tls_facts.h"
#include "lib/tls/openssl.h"

namespace posthaste::tls {

// What a certificate turned out to be worth, if there was one.
struct Verdict {
  long code;                     // X509_V_*
  policy::TlsAuthentication by;  // where the code is X509_V_OK
};

// REQUIRES a finished handshake.
policy::TlsFacts facts_of(SSL* ssl, const std::string& profile, const Verdict& verdict);

}  // namespace posthaste::tls
