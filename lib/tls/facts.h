// facts_of: the one place where TlsFacts are made, for both directions, STARTTLS and implicit TLS
// alike.
//
// Does not     decide whether what it found is good enough.
#pragma once

#include <string>

#include "lib/policy/tls_facts.h"
#include "lib/tls/openssl.h"

namespace posthaste::tls {

// Whom the certificate must be for.
struct PeerName {
  std::string
      text;  // folded, no brackets; empty: nobody in particular, and then nothing is ever verified
  bool is_address =
      false;  // an IP address: compared with the certificate's addresses, never sent as SNI
};

// Takes "mx.example.com", "192.0.2.1", "[192.0.2.1]", "[IPv6:2001:db8::1]".
PeerName parse_peer_name(const std::string& host);

// REQUIRES a finished handshake. The name and the dates of a certificate are looked at again here,
// for a resumed session carries the verdict of the handshake that made it.
policy::TlsFacts facts_of(SSL* ssl, const std::string& profile, const PeerName& peer);

}  // namespace posthaste::tls
