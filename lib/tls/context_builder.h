// build_context: the one builder for client and server, STARTTLS and implicit TLS: whatever a
// profile says is set explicitly, so that neither OpenSSL's defaults nor /etc/ssl/openssl.cnf
// decide anything.
//
// Does not     load certificates or trust; see client_context.cc and server_context.cc.
#pragma once

#include "lib/base/result.h"
#include "lib/policy/tls_policy.h"
#include "lib/tls/openssl.h"

namespace posthaste::tls {

enum class Side : bool { kClient, kServer };

// Error: kInvalid or kUnsupported, with the profile, the field and the word that OpenSSL does not
// take.
Result<SslCtxPtr> build_context(Side side, const policy::TlsProfile& profile);

}  // namespace posthaste::tls
