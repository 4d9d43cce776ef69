// PeerName: whom a certificate must be for, and whether it is.
//
// Implements   RFC 6125 §6.4 by OpenSSL: a wildcard is the whole leftmost label or nothing.
// Does not     look into DNS.
#pragma once

#include <string>

#include "lib/tls/openssl.h"

namespace posthaste::tls {

struct PeerName {
  std::string text;         // folded, no brackets; empty: nobody in particular, and nobody is it
  bool is_address = false;  // an IP address: compared with the certificate's addresses, never SNI
};

// Takes "mx.example.com", ".example.com" (any name below it), "192.0.2.1", "[192.0.2.1]",
// "[IPv6:2001:db8::1]".
PeerName parse_peer_name(const std::string& host);

// Where a certificate without names of its own may show one.
enum class CommonName : bool { kCounts, kIgnored };

bool is_for(X509* certificate, const PeerName& name, CommonName common_name);

}  // namespace posthaste::tls
