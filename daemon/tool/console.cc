#include "daemon/tool/console.h"

#include <fmt/format.h>

#include <cstdio>
#include <iostream>

namespace posthaste::daemon::tool {

bool Console::confirm(std::string_view question, bool otherwise) {
  if (!style_.asks) return otherwise;
  clear();
  fmt::print(stderr, "{} ", question);
  std::string answer;
  return std::getline(std::cin, answer) && answer == "yes";
}

void Console::show(std::string_view line) {
  if (!style_.asks) return;
  fmt::print(stderr, "\r\x1b[K{}", line);
  std::fflush(stderr);
  shown_ = true;
}

void Console::clear() {
  if (shown_) fmt::print(stderr, "\r\x1b[K");
  shown_ = false;
}

}  // namespace posthaste::daemon::tool
