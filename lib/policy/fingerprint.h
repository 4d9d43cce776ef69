// Fingerprint: the SHA-256 of a public key, as operators write it: "sha256:" and 64 hexadecimal
// digits, in either case, with or without colons between the octets.
//
// Does not     know certificates' own digests, SHA-1 or MD5, which Postfix still takes.
#pragma once

#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace posthaste::policy {

// The 32 octets. Error: kInvalid, with what a fingerprint looks like.
Result<std::string> parse_fingerprint(std::string_view text);
// As TlsFacts has it: lower case, no colons.
std::string render_fingerprint(std::string_view octets);

}  // namespace posthaste::policy
