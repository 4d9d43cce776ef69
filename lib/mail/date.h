// Date: an Instant in the words of a message header, and as a timestamp of the protocols.
//
// Threads      pure functions.
// Implements   RFC 5322 §3.3 (date-time), always in UTC, "+0000"; RFC 3339 §5.6 (date-time), in UTC
//              alone: "Z".
// Does not     parse the dates of headers, or know time zones and leap seconds.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/base/time.h"

namespace posthaste::mail {

// "Sat, 21 Nov 2026 22:08:43 +0000".
std::string render_date(Instant instant);

// "2026-11-21T22:08:43Z": whole seconds, what is less is left out.
std::string render_timestamp(Instant instant);
// The same, and with a fraction of a second behind a '.', up to microseconds. nullopt: it is none.
std::optional<Instant> parse_timestamp(std::string_view text);

}  // namespace posthaste::mail
