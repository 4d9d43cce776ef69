// Phrases about the queue that several stories share.
//
// Threads      any; no state.
// Does not     know which story it is.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "daemon/tool/answer.h"

namespace posthaste::daemon::tool {

// "12 waiting, 1 ready, 0 in flight", and what is held and suspended where there is any.
std::string queue_text(const Json& counts);

// Words in lines of at most `width` columns (0: one line), each behind `indent` spaces.
std::string wrapped(std::string_view words, std::size_t indent, std::size_t width);

// What is done so far, as a bar: "[#####-----]".
std::string progress_bar(double part, std::size_t columns);

}  // namespace posthaste::daemon::tool
