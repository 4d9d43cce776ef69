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

}  // namespace posthaste::tls
