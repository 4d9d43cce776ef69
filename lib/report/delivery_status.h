// The part of a notification that programs read: message/delivery-status, or its form for addresses
// and replies beyond ASCII.
//
// Fields of our own: X-Posthaste-Id, the message's name in log and trace; X-Posthaste-Attempts, for
// what has not arrived; X-Posthaste-TLS and X-Posthaste-TLS-Failure, which connection the reply
// came over, and why there was none that would do (the labels of docs/tls.md).
//
// Threads      pure functions.
// Implements   RFC 3464 §2.2, §2.3; RFC 3461 §6.3; RFC 6533 §3, §4; RFC 2852 (Deliver-By-Date).
// Does not     say which of the two forms it is: what is not ASCII is the second one.
#pragma once

#include <string>

#include "lib/report/notification.h"

namespace posthaste::report {

// CRLF line ends; ASCII unless takes_utf8(*notification.original).
std::string render_delivery_status(const Notification& notification);

}  // namespace posthaste::report
