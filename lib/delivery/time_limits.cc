#include "lib/delivery/time_limits.h"

#include <algorithm>

namespace posthaste::delivery {

Instant clock_starts(const mail::Envelope& envelope) {
  return std::max(envelope.id.time(), envelope.hold_until);
}

TimeLimits time_limits(const mail::Envelope& envelope, const mail::PendingRecipient& pending,
                       const policy::RetryPolicy& policy) {
  const Instant start = clock_starts(envelope);
  const auto& deliver_by = envelope.deliver_by;
  TimeLimits limits;
  limits.expiry = add_saturated(start, policy.expire_after);
  if (deliver_by && deliver_by->return_it) limits.expiry = std::min(limits.expiry, deliver_by->by);
  // Nobody is told about a notification (RFC 5321 §4.5.5), and nobody twice.
  const bool may_tell = !envelope.sender.null() && !pending.progress.delay_told &&
                        mail::may_tell_delay(pending.recipient);
  if (!may_tell) return limits;
  if (policy.delay_notice_after > Duration::zero()) {
    limits.notice = add_saturated(start, policy.delay_notice_after);
  }
  if (deliver_by && !deliver_by->return_it) limits.notice = std::min(limits.notice, deliver_by->by);
  return limits;
}

}  // namespace posthaste::delivery
