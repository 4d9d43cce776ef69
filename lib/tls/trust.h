// add_trust: whom a context believes, from an operator's files.
//
// Does not     notice that a file has changed: contexts are made again on reload.
#pragma once

#include <string>

#include "lib/base/result.h"
#include "lib/policy/tls_demand.h"
#include "lib/tls/openssl.h"

namespace posthaste::tls {

// A CA file replaces the system's roots. Each certificate in it is trusted as it stands: a root, an
// intermediate, or the one certificate of a partner.
//
// With a CRL file a leaf needs a list of its issuer that is in force: with none, or an expired one,
// it is not accepted (X509_V_ERR_UNABLE_TO_GET_CRL, X509_V_ERR_CRL_HAS_EXPIRED: kLocalError).
// Whoever asks for revocation to be checked is not served by a check that is silently left out.
//
// Error: kNotFound or kInvalid with the file's name and what to do; kIo for the system's roots.
Status add_trust(SSL_CTX* context, const policy::TrustStore& trust);

}  // namespace posthaste::tls
