// Rng: randomness that a seed can repeat (xoshiro256**, Blackman and Vigna 2018). Never for
// secrets.
#pragma once

#include <array>
#include <cstdint>

namespace posthaste {

class Rng {
 public:
  explicit Rng(std::uint64_t seed);
  std::uint64_t next();
  // Uniform in [0, bound). REQUIRES bound > 0.
  std::uint64_t below(std::uint64_t bound);
  // Uniform in [0, 1).
  double unit();
  // True with the given probability.
  bool chance(double probability) { return unit() < probability; }

  // Fisher and Yates, in place.
  template <typename Range>
  void shuffle(Range& range) {
    for (std::size_t i = range.size(); i > 1; --i) {
      using std::swap;
      swap(range[i - 1], range[below(i)]);
    }
  }

 private:
  std::array<std::uint64_t, 4> state_{};
};

}  // namespace posthaste
