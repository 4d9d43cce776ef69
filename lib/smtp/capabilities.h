// Capabilities: what a server's EHLO reply offers, as far as we have a use for it.
//
// Implements   the keywords of RFC 1870, RFC 2852, RFC 2920, RFC 3030, RFC 3207, RFC 3461,
//              RFC 6152, RFC 6531, RFC 6710, RFC 8689.
// Does not     remember the rest; unknown keywords are ignored (RFC 5321 §4.1.1.1).
#pragma once

#include <cstdint>

#include "lib/smtp/reply.h"

namespace posthaste::smtp {

// What EHLO offered (after TLS, where there is TLS).
struct Capabilities {
  bool pipelining = false, chunking = false, eight_bit_mime = false, smtputf8 = false, dsn = false,
       starttls = false, binary_mime = false, size = false, requiretls = false, deliver_by = false,
       mt_priority = false;
  // RFC 2852 §3: the least time that it takes a message with where that is to be returned else; 0:
  // none told.
  std::uint32_t deliver_by_seconds_min = 0;
  std::uint64_t size_max = 0;  // 0: no limit told
  bool helo_only = false;      // EHLO was refused: what the host can do is not known
  friend bool operator==(const Capabilities&, const Capabilities&) = default;
};

// Reads a positive reply to EHLO; its first line is the server's name and greeting.
Capabilities parse_capabilities(const Reply& ehlo);

}  // namespace posthaste::smtp
