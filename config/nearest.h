// nearest: what somebody may have meant by a misspelt word.
//
// Threads      any; no state.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace posthaste::config {

// The word of `known` that needs the fewest changes (a letter put in, left out, replaced, or two
// neighbours swapped), provided that they are few enough for a slip: one in three letters, at most
// three. The first of equals.
std::optional<std::string_view> nearest(std::string_view word,
                                        const std::vector<std::string_view>& known);

}  // namespace posthaste::config
