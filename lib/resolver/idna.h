// to_a_labels: a domain as people write it, as DNS knows it.
//
// Implements   RFC 5891 §5 (lookup), by libidn2.
// Does not     turn A-labels back, or check the syntax of ASCII names.
#pragma once

#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace posthaste::resolver {

// U-labels become A-labels (IDNA 2008, with the mapping of UTS #46, non-transitional); ASCII is
// only folded, and one trailing dot is dropped. Error: kInvalid, where no such name can exist.
Result<std::string> to_a_labels(std::string_view domain);

}  // namespace posthaste::resolver
