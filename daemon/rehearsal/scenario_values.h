// The scalars that scenario files have beyond those of configuration files: text -> value.
//
// Threads      any; no state.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/rehearsal/scenario.h"

namespace posthaste::rehearsal {

// "2026-03-02 10:00", "2026-03-02"
std::optional<Instant> parse_date(std::string_view text);
// "10:00" of the first day, "day 3 10:00", or "36h" since the start. Since midnight of the first
// day, or, where it is a duration, `since_midnight` later.
std::optional<Duration> parse_when(std::string_view text, Duration since_midnight);
// "[10 mx1.example.com", with or without the preference, {} already replaced.
std::optional<std::pair<std::uint16_t, std::string>> parse_mx(std::string_view text);
// "451 4.3.0 try again later"
std::optional<OddReply> parse_reply(std::string_view text);
// "3", "1..3"
std::optional<std::pair<unsigned, unsigned>> parse_range(std::string_view text);
// A decimal number that is not negative: "0.25", "1500".
std::optional<double> parse_number(std::string_view text, double most);

// "d[1-200].example" -> ("1", "d1.example"), …; a name without brackets is one, with number "".
// nullopt: brackets that make no sense, or more than 20,000.
std::optional<std::vector<std::pair<std::string, std::string>>> expand(std::string_view text);

}  // namespace posthaste::rehearsal
