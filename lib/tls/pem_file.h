// read_pem_file: a file with keys or certificates, with words that say what to do if it cannot be
// had.
//
// Does not     parse.
#pragma once

#include <string>

#include "lib/base/result.h"

namespace posthaste::tls {

// `role`: what the file is for, "the certificate". Error: kNotFound, kInvalid (unreadable, too big,
// a folder).
Result<std::string> read_pem_file(const std::string& path, const char* role);

// After the last block that OpenSSL could read of such a file: whether that was the file's end, as
// its error queue tells, or a damaged block. Empties the queue. `block`: "a certificate". Error:
// kInvalid.
Status whole_file(const std::string& path, const char* block);

}  // namespace posthaste::tls
