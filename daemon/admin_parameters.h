// The texts of a request's parameters, made values.
//
// Threads      any; no state.
// Errors       kInvalid, with the parameter's name and what is expected.
// Does not     know what a request is about.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace posthaste::daemon {

// What an operator says about what he does: one line of text, for history, log and bounces.
inline constexpr std::size_t kWordsBytesMax = 500;
Result<std::string> parse_words(std::string_view text);

// 1 to `max`; the empty text is `otherwise`.
Result<std::size_t> parse_limit(std::string_view text, std::size_t otherwise, std::size_t max);

// "a,b,c"; the empty text has no parts.
std::vector<std::string_view> split_list(std::string_view text);

}  // namespace posthaste::daemon
