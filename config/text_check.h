// What is looked at before YAML: that the octets are text, and that nobody indented with a tab.
//
// Threads      any; no state.
#pragma once

#include <cstddef>
#include <string_view>

#include "config/findings.h"

namespace posthaste::config {

inline constexpr std::size_t kFileBytesMax = 1U << 20;

// Tells what is wrong with `text` as such. ENSURES that without errors it is valid UTF-8 (RFC 3629)
// and has no control characters other than tab and line ends, no line begins with a tab, and it has
// at most kFileBytesMax octets.
void check_text(std::string_view text, Findings& findings);

}  // namespace posthaste::config
