// sha256: FIPS 180-4's digest, for keys that a stranger must not be able to collide with another's.
//
// Threads      a pure function.
// Does not     guard secrets or measure certificates: that is OpenSSL's, in lib/tls, which the pure
//              rooms must not know.
#pragma once

#include <string>
#include <string_view>

namespace posthaste::policy {

// The 32 octets.
std::string sha256(std::string_view octets);

}  // namespace posthaste::policy
