// The former name of notification.h, for those who have not moved yet.
//
// Does not     stay.
#pragma once

#include "lib/report/notification.h"

namespace posthaste::report {

inline mail::TlsWish tls_wish_of_bounce(const mail::Envelope& original) {
  return tls_wish_of_notification(original);
}

}  // namespace posthaste::report
