// What stands behind ClientContext and ServerContext. For the .cc files of lib/tls only.
//
// Does not     belong into any header outside lib/tls.
#pragma once

#include <string>

#include "lib/tls/context.h"
#include "lib/tls/openssl.h"
#include "lib/tls/session_cache.h"

namespace posthaste::tls {

struct ClientContext::State {
  SslCtxPtr context;
  std::string profile;
  policy::TrustStore trust;
  policy::ClientIdentity identity;
  SessionCache sessions;
};

struct ServerContext::State {
  SslCtxPtr context;
  std::string profile;
};

}  // namespace posthaste::tls
