// The part of a notification that programs read: message/delivery-status, or its form for addresses
// beyond ASCII.
//
// Threads      pure functions.
// Implements   RFC 3464 §2.2, §2.3; RFC 6533 §3, §4.
// Does not     report anything but failures.
#pragma once

#include <string>

#include "lib/report/bounce.h"

namespace posthaste::report {

// True where the addresses need message/global-delivery-status.
bool needs_global_status(const BounceInput& input);

// CRLF line ends; ASCII unless needs_global_status().
std::string render_delivery_status(const BounceInput& input);

}  // namespace posthaste::report
