// What `posthaste send` makes of a file: content as SMTP carries it.
//
// Threads      any; no state.
// Implements   RFC 5322 §2.1, §3.6 (the least that a message must have).
// Does not     encode: octets above 127 stay as they are.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/time.h"

namespace posthaste::daemon::tool {

struct Letterhead {
  std::string from;  // empty: the null sender
  std::vector<std::string> to;
  Instant now;
  std::string message_id;  // without angle brackets
};

// CRLF line ends throughout. A text that does not begin with a header field is taken for a body,
// and gets From, To, Subject, Date and Message-ID in front.
std::string prepare_content(std::string_view text, const Letterhead& head);

}  // namespace posthaste::daemon::tool
