#include "lib/delivery/batch.h"

#include <algorithm>

#include "lib/delivery/time_limits.h"

namespace posthaste::delivery {

std::vector<std::uint16_t> Batch::numbers() const {
  std::vector<std::uint16_t> numbers;
  numbers.reserve(entries.size());
  for (const Scheduled& entry : entries) numbers.push_back(entry.number);
  return numbers;
}

const mail::PendingRecipient* find_recipient(const mail::Letter& letter, std::uint16_t number) {
  const auto& all = letter.recipients;
  // They come in the order of their numbers; a letter where they do not is searched whole.
  const auto near =
      std::lower_bound(all.begin(), all.end(), number,
                       [](const auto& pending, auto n) { return pending.recipient.number < n; });
  if (near != all.end() && near->recipient.number == number) return &*near;
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& pending) {
    return pending.recipient.number == number;
  });
  return found == all.end() ? nullptr : &*found;
}

Scheduled scheduled_of(const mail::PendingRecipient& pending, const mail::Envelope& envelope) {
  const mail::Progress& progress = pending.progress;
  Scheduled entry;
  entry.id = envelope.id;
  entry.due = progress.due;
  entry.revision = progress.revision;
  entry.attempts = progress.attempts;
  entry.number = pending.recipient.number;
  entry.shard = pending.shard;
  entry.retry_class =
      policy::parse_retry_class(progress.retry_class).value_or(policy::RetryClass::kOther);
  entry.priority = pending.priority;
  entry.held = progress.held;
  entry.timed = mail::has_own_limits(envelope);
  entry.told =
      progress.delay_told || envelope.sender.null() || !mail::may_tell_delay(pending.recipient);
  return entry;
}

}  // namespace posthaste::delivery
