// Times and durations as people say them.
//
// Threads      any. The local time zone is that of the process (TZ).
#pragma once

#include <string>

#include "lib/base/time.h"

namespace posthaste::daemon::tool {

// "0s", "45s", "4m", "1h 20m", "3d 4h": two units at most, the rest is cut off. REQUIRES >= 0.
std::string render_span(Duration span);
// "in 4m", "4m ago", "now" (within a second).
std::string render_distance(Instant then, Instant now);
// Local time: "22:08:43" on the day of `now`, else "2026-11-25 02:00:00".
std::string render_clock(Instant then, Instant now);
// "2026-11-21 22:08:43 +0000", always in full.
std::string render_moment(Instant then);
// "in 4m (22:12:43)"
std::string render_when(Instant then, Instant now);

}  // namespace posthaste::daemon::tool
