// ClockWatch: says so when the clock cannot be right.
//
// All times of a process are the wall clock at its start plus the time that has passed since: no
// step of the clock confuses the schedule, and none corrects it either. So a clock that was wrong
// at the start is told, with what follows of it. docs/durability.md says what that is.
//
// Threads      none: one thread at a time.
// Does not     set, step or believe any clock.
#pragma once

#include <optional>
#include <string>

#include "lib/base/ids.h"
#include "lib/base/time.h"

namespace posthaste::daemon {

// Clocks may be that far apart without anybody being told.
inline constexpr Duration kClockSlack = std::chrono::minutes(1);

// At the start: words for the log where the newest message is from the future.
std::optional<std::string> from_the_future(MessageId newest, Instant now);

// When a recipient that was found at the start is to be tried. The due time of a message from the
// future was counted with a clock that nobody believes any more: it is due now.
Instant believable_due(MessageId id, Instant due, Instant now);

// What the machine's clock shows now.
Instant wall_clock();

class ClockWatch {
 public:
  // Words for the log where our time and the machine's have come apart; then not again until they
  // were together or have moved on by kClockSlack.
  std::optional<std::string> compare(Instant ours, Instant wall);

 private:
  Duration told_{0};  // how far ahead the machine's clock was when it was last told
};

}  // namespace posthaste::daemon
