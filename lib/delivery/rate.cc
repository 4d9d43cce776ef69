#include "lib/delivery/rate.h"

#include <algorithm>

#include "lib/base/check.h"

namespace posthaste::delivery {
namespace {

constexpr Duration kSlackMax = std::chrono::milliseconds(50);

}  // namespace

// The generic cell rate algorithm. Of count + 1 events in a row the last is at least count *
// interval - slack after the first, so an interval of (per + slack) / count keeps every window of
// `per` within the limit.
Pace::Pace(Rate rate) : rate_(rate) {
  if (rate_.count == 0) return;
  CHECK(rate_.per > Duration::zero());
  if (rate_.count > 1) slack_ = std::min(rate_.per / 20, kSlackMax);
  const auto count = static_cast<Duration::rep>(rate_.count);
  interval_ = Duration((rate_.per.count() + slack_.count() + count - 1) / count);
}

void Pace::take(Instant now) {
  CHECK(may(now));
  if (rate_.count != 0) theoretical_ = std::max(theoretical_, now) + interval_;
}

}  // namespace posthaste::delivery
