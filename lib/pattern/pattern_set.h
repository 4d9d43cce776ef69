// compile_patterns: a policy::PatternSet over RE2: patterns are looked for in groups, one pass for
// each, in time linear in the text, whatever the patterns are.
//
// Threads      a set may be asked by any number of threads.
// Limits       kPatternMemoryMax for the automatons of one set, which are built as texts need them
//              and begun anew when that is full.
// Does not     know rules, or where a pattern was written.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "lib/policy/reply_rules.h"

namespace posthaste::pattern {

inline constexpr std::size_t kPatternMemoryMax = std::size_t{16} << 20;  // octets

struct BadPattern {
  std::size_t place = 0;  // in the list
  std::string words;      // "missing ): (again"
};

// Patterns are RE2's (no back references, no look-around), over octets, without regard to the case
// of ASCII letters; "." is any octet.
tl::expected<std::unique_ptr<const policy::PatternSet>, BadPattern> compile_patterns(
    const std::vector<std::string>& patterns, std::size_t memory_max = kPatternMemoryMax);

}  // namespace posthaste::pattern
