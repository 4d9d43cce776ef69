// Date: an Instant in the words of a message header.
//
// Threads      pure function.
// Implements   RFC 5322 §3.3 (date-time), always in UTC, "+0000".
// Does not     parse, or know time zones.
#pragma once

#include <string>

#include "lib/base/time.h"

namespace posthaste::mail {

// "Sat, 21 Nov 2026 22:08:43 +0000".
std::string render_date(Instant instant);

}  // namespace posthaste::mail
