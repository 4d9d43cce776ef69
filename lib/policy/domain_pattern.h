// DomainPattern: which domains a rule is about.
//
// Does not     know regular expressions, or stars elsewhere than in front.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace posthaste::policy {

// "example.com" (that name alone) or "*.example.com" (every name below it, not itself).
struct DomainPattern {
  std::string text;  // folded
  bool matches(std::string_view folded_domain) const;
  friend bool operator==(const DomainPattern&, const DomainPattern&) = default;
};

// Also takes an address literal, "[192.0.2.1]". Error: kInvalid, with what is wrong.
Result<DomainPattern> parse_domain_pattern(std::string_view text);

bool matches_any(const std::vector<DomainPattern>& patterns, std::string_view folded_domain);

}  // namespace posthaste::policy
