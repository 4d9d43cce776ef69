// The part of a notification that a person reads: who did not get what, why, and what to do now.
//
// Threads      pure functions.
// Does not     encode: the text is UTF-8, and what peers said is in it.
#pragma once

#include <string>
#include <string_view>

#include "lib/report/bounce.h"

namespace posthaste::report {

// CRLF line ends.
std::string render_bounce_words(const BounceInput& input);

// What the sender can do about a status: "Check the address for typing errors, …". One line.
std::string_view advice(std::string_view status, bool expired);

}  // namespace posthaste::report
