#include "daemon/clock_watch.h"

#include <fmt/format.h>

#include <algorithm>

namespace posthaste::daemon {
namespace {

std::string seconds(Duration apart) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(apart).count());
}

}  // namespace

std::optional<std::string> from_the_future(MessageId newest, Instant now) {
  const Duration ahead = newest.time() - now;
  if (ahead <= kClockSlack) return std::nullopt;
  return fmt::format(
      "the newest message in the queue, {}, is {} s ahead of this machine's clock: the clock is "
      "wrong now or was wrong then; mail of the meantime expires late by as much, none expires "
      "early. Set the clock, then restart posthasted",
      render_id(newest), seconds(ahead));
}

Instant believable_due(MessageId id, Instant due, Instant now) {
  return id.time() - now > kClockSlack ? std::min(due, now) : due;
}

Instant wall_clock() {
  return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

std::optional<std::string> ClockWatch::compare(Instant ours, Instant wall) {
  const Duration ahead = wall - ours;
  if (std::chrono::abs(ahead) <= kClockSlack) {
    told_ = Duration{0};
    return std::nullopt;
  }
  if (std::chrono::abs(ahead - told_) <= kClockSlack) return std::nullopt;
  told_ = ahead;
  return fmt::format(
      "the machine's clock was set {} s {} since posthasted started, which goes on counting from "
      "its start: Received fields, reports and log times that it makes are off by as much. Restart "
      "posthasted",
      seconds(std::chrono::abs(ahead)), ahead > Duration{0} ? "ahead" : "back");
}

}  // namespace posthaste::daemon
