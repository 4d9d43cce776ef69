// Duration and Instant: the only two notions of time in the house.
//
// An Instant counts microseconds since the Unix epoch (UTC, no leap seconds). Machines
// get it as `now`; only the shells read a clock. Inside one process it never steps back.
#pragma once

#include <chrono>

namespace posthaste {

using Duration = std::chrono::microseconds;
using Instant = std::chrono::sys_time<Duration>;

// "No deadline": later than anything that can be asked for.
inline constexpr Instant kNever = Instant::max();

// `now + wait`, or kNever where the sum would not fit.
constexpr Instant add_saturated(Instant now, Duration wait) {
  return wait > kNever - now ? kNever : now + wait;
}

}  // namespace posthaste
