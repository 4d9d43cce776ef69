// The part of a notification that a person reads, who need not be a postmaster: who did not get
// what, why, what to do now, and what is done without him.
//
// Threads      pure functions.
// Does not     encode: the text is UTF-8, and what peers said is in it.
#pragma once

#include <string>

#include "lib/report/notification.h"
#include "lib/report/original_header.h"

namespace posthaste::report {

// CRLF line ends.
std::string render_notification_words(const Notification& notification,
                                      const OriginalHeader& header);

}  // namespace posthaste::report
