// render_query: a question as the packet that asks it.
//
// Implements   RFC 1035 §4.1, RFC 6891 §6.1, RFC 6840 §5.7.
// Does not     choose the id: whoever sends it must draw one that cannot be guessed.
#pragma once

#include <cstdint>
#include <string>

#include "lib/base/result.h"
#include "lib/dns/answer.h"

namespace posthaste::dns {

// What an answer by UDP may have, so that it is not fragmented (DNS flag day 2020).
inline constexpr std::uint16_t kUdpOctetsMax = 1232;

// Recursion desired, AD set (RFC 6840 §5.7: "tell me whether you validated"), DO off (we do not
// look at signatures). The OPT record is the last one and has no options: c-ares cuts it off by its
// length when a server cannot take it. Error: kInvalid (the name).
Result<std::string> render_query(const Question& question, std::uint16_t id);

}  // namespace posthaste::dns
