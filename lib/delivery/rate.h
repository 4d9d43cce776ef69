// Pace: holds events to a Rate, evenly spread, with a little slack for timers that ring late.
//
// Limits       in any window of `per`, at most `count` events; no burst after a silence or a start.
// Threads      none. Clock: the `now` given.
// Does not     queue what must wait.
#pragma once

#include "lib/base/time.h"
#include "lib/delivery/options.h"

namespace posthaste::delivery {

class Pace {
 public:
  explicit Pace(Rate rate);
  bool may(Instant now) const { return rate_.count == 0 || now >= free_at(); }
  // REQUIRES may(now).
  void take(Instant now);
  // The event that was taken did not take place.
  void give_back() { theoretical_ -= interval_; }
  // From when on may() is true; the epoch where there is no limit.
  Instant free_at() const { return rate_.count == 0 ? Instant{} : theoretical_ - slack_; }
  const Rate& rate() const { return rate_; }

 private:
  Rate rate_;
  Duration slack_{};
  Duration interval_{};
  Instant theoretical_;  // when the next event is due at an even pace
};

}  // namespace posthaste::delivery
