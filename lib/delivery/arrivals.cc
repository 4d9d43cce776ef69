#include "lib/delivery/arrivals.h"

#include "lib/base/check.h"

namespace posthaste::delivery {

void Arrivals::add(MessageId id) {
  const auto second = std::chrono::floor<std::chrono::seconds>(id.time());
  // Nearly always the newest second: then the hint makes it O(1).
  ++by_second_.try_emplace(by_second_.end(), second, 0)->second;
  ++size_;
}

void Arrivals::remove(MessageId id) {
  const auto found = by_second_.find(std::chrono::floor<std::chrono::seconds>(id.time()));
  CHECK(found != by_second_.end());
  if (--found->second == 0) by_second_.erase(found);
  --size_;
}

Instant Arrivals::oldest() const {
  return by_second_.empty() ? kNever : Instant(by_second_.begin()->first);
}

}  // namespace posthaste::delivery
