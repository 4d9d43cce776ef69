// load_own_certificate: what we show a peer, as server or as client.
//
// Does not     notice that a file has changed: contexts are made again on reload.
#pragma once

#include <string>

#include "lib/base/result.h"
#include "lib/tls/openssl.h"

namespace posthaste::tls {

// PEM files; the certificate's has the leaf first, then what leads to a root. Gives the leaf.
// Error: kNotFound or kInvalid with the file's name, what is wrong and how to mend it.
Result<X509Ptr> load_own_certificate(SSL_CTX* context, const std::string& certificate_file,
                                     const std::string& private_key_file);

// Empty, or words for the log: the certificate has expired, or is not valid yet.
std::string expiry_warning(const std::string& path, const X509* leaf);

}  // namespace posthaste::tls
