// Answer: how the tool reads the JSON of the admin API: what is missing, or of another type, reads
// as nothing, for a daemon may be older or newer than we are.
//
// Threads      any; no state.
// Does not     ask, or know which question was answered. Texts come out printable().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/json_value.h"
#include "lib/base/result.h"
#include "lib/base/time.h"

namespace posthaste::daemon::tool {

// Error: kCorrupt, where it is no JSON object.
Result<Json> parse_answer(std::string_view text);

std::string text(const Json& json, const char* key);
std::uint64_t number(const Json& json, const char* key);
bool flag(const Json& json, const char* key);
Json list(const Json& json, const char* key);
Json part(const Json& json, const char* key);
std::optional<Instant> time(const Json& json, const char* key);
Instant now_of(const Json& json);  // the daemon's; the epoch where it has not said
// The texts of a list, with a comma between them.
std::string joined(const Json& json, const char* key);

// "12,345"
std::string grouped(std::uint64_t count);
// "1 byte", "2,000 bytes"
std::string plural(std::uint64_t count, std::string_view noun);
// "  host       mx1.example.com", nothing where there is nothing to say.
std::string fact(std::string_view name, std::string_view value, int width = 10);

}  // namespace posthaste::daemon::tool
