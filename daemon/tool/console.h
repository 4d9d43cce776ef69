// Console: the operator, while a command is still at work: he is asked, and sees how far it is.
//
// Threads      main; blocks.
// Does not     print results: commands give those back.
#pragma once

#include <string>
#include <string_view>

#include "daemon/tool/table.h"

namespace posthaste::daemon::tool {

class Console {
 public:
  explicit Console(const Style& style) : style_(style) {}
  ~Console() { clear(); }
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  // True only for "yes". Without anybody to ask: `otherwise`.
  bool confirm(std::string_view question, bool otherwise);
  // In the place of what was shown before; nothing where nobody watches.
  void show(std::string_view line);
  void clear();

 private:
  const Style style_;
  bool shown_ = false;
};

}  // namespace posthaste::daemon::tool
