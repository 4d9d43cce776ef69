#include "daemon/tool/queue_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/tool/table.h"

namespace posthaste::daemon::tool {

std::string queue_text(const Json& counts) {
  std::string said =
      fmt::format("{} waiting, {} ready, {} in flight", grouped(number(counts, "waiting")),
                  grouped(number(counts, "ready")), grouped(number(counts, "in_flight")));
  for (const char* state : {"held", "suspended"}) {
    if (const auto count = number(counts, state); count != 0) {
      said += fmt::format(", {} {}", grouped(count), state);
    }
  }
  return said;
}

std::string wrapped(std::string_view words, std::size_t indent, std::size_t width) {
  const std::string margin(indent, ' ');
  const std::size_t room = width > indent + 20 ? width - indent : std::string::npos;
  std::string said;
  std::string line;
  while (!words.empty()) {
    const std::size_t space = words.find(' ');
    const std::string_view word = words.substr(0, space);
    words = space == std::string_view::npos ? std::string_view() : words.substr(space + 1);
    if (!line.empty() && display_width(line) + 1 + display_width(word) > room) {
      said += margin + line + "\n";
      line.clear();
    }
    line += (line.empty() ? "" : " ") + std::string(word);
  }
  return said + margin + line + "\n";
}

std::string progress_bar(double part, std::size_t columns) {
  const auto filled = static_cast<std::size_t>(std::clamp(part, 0.0, 1.0) * double(columns));
  return "[" + std::string(filled, '#') + std::string(columns - filled, '-') + "]";
}

}  // namespace posthaste::daemon::tool
