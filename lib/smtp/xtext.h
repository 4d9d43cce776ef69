// Xtext: what RFC 3461 and RFC 6533 do to text, so that it fits into an ESMTP parameter or a
// report, undone; and for addresses in UTF-8 done.
//
// Threads      pure functions.
// Implements   RFC 3461 §4 (xtext), §4.2 (ORCPT), §4.4 (ENVID); RFC 6533 §3 (utf-8 addresses).
// Does not     encode xtext: the client half does (client_command.h).
#pragma once

#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace posthaste::smtp {

// "a+2Bb" -> "a+b". What comes out is printable ASCII. Error: kInvalid, with words for the peer.
Result<std::string> decode_xtext(std::string_view text);

// "\x{5B57}" -> U+5B57 in UTF-8; octets above 127 only where `allow_utf8`. Error: kInvalid.
Result<std::string> decode_utf8_address(std::string_view text, bool allow_utf8);

// The same the other way: utf-8-addr-xtext, which is ASCII, and so passes with and without
// SMTPUTF8. REQUIRES that `address` is UTF-8.
void append_utf8_address(std::string& into, std::string_view address);

// The value of ORCPT: "rfc822;a+2Bb@example.com" -> "rfc822;a+b@example.com". Error: kInvalid.
Result<std::string> decode_orcpt(std::string_view value, bool allow_utf8);

}  // namespace posthaste::smtp
