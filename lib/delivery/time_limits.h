// TimeLimits: until when a recipient is tried, and when its sender is to be told that it is late.
//
// Implements   RFC 2852 §4 (by-time), RFC 4865 (the clock starts when the message is released),
//              RFC 3461 §4.1 (who may be told).
// Does not     look at a clock, or at whether anything was tried.
#pragma once

#include "lib/base/time.h"
#include "lib/mail/pending.h"
#include "lib/policy/retry_policy.h"

namespace posthaste::delivery {

struct TimeLimits {
  Instant expiry = kNever;
  Instant notice = kNever;  // kNever: nobody is to be told, or has been
};
TimeLimits time_limits(const mail::Envelope& envelope, const mail::PendingRecipient& pending,
                       const policy::RetryPolicy& policy);

// From when on the age of a message counts.
Instant clock_starts(const mail::Envelope& envelope);

}  // namespace posthaste::delivery
