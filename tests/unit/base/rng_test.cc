#include "lib/base/rng.h"

#include <gtest/gtest.h>

#include <vector>

namespace posthaste {
namespace {

TEST(Rng, RepeatsItselfForASeed) {
  Rng a(7);
  Rng b(7);
  Rng c(8);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const auto draw = a.next();
    EXPECT_EQ(draw, b.next());
    differs = differs || draw != c.next();
  }
  EXPECT_TRUE(differs);
}

TEST(Rng, StaysBelowItsBoundAndReachesEveryValue) {
  Rng rng(1);
  std::vector<int> seen(7);
  for (int i = 0; i < 1'000; ++i) ++seen[rng.below(7)];
  for (const int count : seen) EXPECT_GT(count, 50);
}

TEST(Rng, ShufflesWithoutLosingAnything) {
  Rng rng(1);
  std::vector<int> range{1, 2, 3, 4, 5};
  rng.shuffle(range);
  std::sort(range.begin(), range.end());
  EXPECT_EQ(range, (std::vector<int>{1, 2, 3, 4, 5}));
}

}  // namespace
}  // namespace posthaste
