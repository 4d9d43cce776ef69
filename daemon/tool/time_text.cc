#include "daemon/tool/time_text.h"

#include <fmt/format.h>

#include <array>
#include <ctime>

namespace posthaste::daemon::tool {
namespace {

std::tm local(Instant time) {
  const std::time_t seconds =
      std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  std::tm broken{};
  localtime_r(&seconds, &broken);
  return broken;
}

std::string formatted(const std::tm& time, const char* format) {
  std::array<char, 64> buffer{};
  return {buffer.data(), std::strftime(buffer.data(), buffer.size(), format, &time)};
}

}  // namespace

std::string render_span(Duration span) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(span).count();
  struct Unit {
    long seconds;
    char letter;
  };
  constexpr std::array<Unit, 4> kUnits{{{86'400, 'd'}, {3'600, 'h'}, {60, 'm'}, {1, 's'}}};
  for (std::size_t i = 0; i < kUnits.size(); ++i) {
    const auto [unit, letter] = kUnits[i];
    if (seconds < unit) continue;
    std::string text = fmt::format("{}{}", seconds / unit, letter);
    // The next unit only where it says something: not seconds behind minutes.
    const bool fine = unit >= 3'600;
    const long rest = fine ? seconds % unit / kUnits[i + 1].seconds : 0;
    if (rest > 0) text += fmt::format(" {}{}", rest, kUnits[i + 1].letter);
    return text;
  }
  return "0s";
}

std::string render_distance(Instant then, Instant now) {
  constexpr Duration kNow = std::chrono::seconds(1);
  if (then >= now + kNow) return "in " + render_span(then - now);
  if (then <= now - kNow) return render_span(now - then) + " ago";
  return "now";
}

std::string render_clock(Instant then, Instant now) {
  const std::tm time = local(then);
  const std::tm today = local(now);
  const bool same_day = time.tm_year == today.tm_year && time.tm_yday == today.tm_yday;
  return formatted(time, same_day ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S");
}

std::string render_moment(Instant then) { return formatted(local(then), "%Y-%m-%d %H:%M:%S %z"); }

std::string render_when(Instant then, Instant now) {
  return render_distance(then, now) + " (" + render_clock(then, now) + ")";
}

}  // namespace posthaste::daemon::tool
