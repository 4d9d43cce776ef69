#include "lib/resolver/query_ids.h"

#include <sys/random.h>

#include "lib/base/check.h"

namespace posthaste::resolver {

std::uint16_t QueryIds::next() {
  if (used_ == drawn_.size()) {
    constexpr std::size_t kOctets = sizeof(drawn_);
    static_assert(kOctets <= 256, "getrandom() is neither short nor interrupted up to there");
    CHECK(getrandom(drawn_.data(), kOctets, 0) == static_cast<ssize_t>(kOctets));
    used_ = 0;
  }
  return drawn_[used_++];
}

}  // namespace posthaste::resolver
