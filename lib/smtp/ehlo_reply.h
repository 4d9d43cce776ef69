// EhloReply: what we offer, as EHLO's answer says it.
//
// Threads      pure functions.
// Implements   RFC 5321 §4.1.1.1; keywords of RFC 2920, 1870, 6152, 6531, 2034, 3030, 3461, 3207,
//              8689, 2852, 4865, 6710.
// Does not     offer AUTH, BINARYMIME or VRFY with an answer: nobody is local here.
#pragma once

#include <string>
#include <string_view>

#include "lib/smtp/server_session.h"

namespace posthaste::smtp {

// Appends the reply, each line with its CRLF. `tls`: the session is encrypted already.
void append_ehlo_reply(std::string& out, const ServerOptions& options, bool tls, Instant now);
// Appends the one line that HELO gets.
void append_helo_reply(std::string& out, const ServerOptions& options);

}  // namespace posthaste::smtp
