// Utf8: the encoding of RFC 3629, strictly: nothing overlong, no surrogate, no more than U+10FFFF.
//
// Limits       none.
// Threads      pure functions.
// Implements   RFC 3629 §3, §4.
// Does not     normalise, fold case, or know what a character is good for.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace posthaste::mail {

// The length of the character that `text` begins with: 1 to 4, or 0 when it begins with none.
std::size_t utf8_length(std::string_view text);
bool is_utf8(std::string_view text);
// True when no octet is above 127.
bool is_ascii(std::string_view text);
// REQUIRES code_point is a Unicode scalar value.
void append_utf8(std::string& out, char32_t code_point);

}  // namespace posthaste::mail
