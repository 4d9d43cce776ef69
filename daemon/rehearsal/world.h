// World: virtual time, one stream of randomness, the timeline, and the first rule that was broken.
//
// Lifetime     one run. Threads: none. The same seed gives the same run, event for event.
// Does not     know what runs in it.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/rng.h"
#include "lib/base/time.h"

namespace posthaste::rehearsal {

class World {
 public:
  World(std::uint64_t seed, Instant start, bool trace);

  Instant now() const { return now_; }
  Rng& rng() { return rng_; }
  void at(Instant when, std::function<void()> what);
  void after(Duration wait, std::function<void()> what) { at(now_ + wait, std::move(what)); }
  // Runs until then, or until a rule is broken.
  void run_until(Instant end);
  // How long it has run, whatever was done to the clocks.
  Duration elapsed() const { return now_ - start_; }
  // All clocks are set ahead, or back: what is awaited comes after as long as it would have.
  void step_clock(Duration by);

  // Between both bounds.
  Duration draw(Duration least, Duration most);
  bool faults() const { return faults_; }
  void end_faults() { faults_ = false; }
  // A fault that happens with this probability, as long as there are faults.
  bool fault(double probability) { return faults_ && rng_.chance(probability); }

  template <typename... Args>
  void say(fmt::format_string<Args...> format, Args&&... args) {
    if (trace_) print(fmt::format(format, std::forward<Args>(args)...));
  }
  // The first one counts; the run ends with it.
  void violate(const std::string& rule);
  const std::optional<std::string>& violation() const { return violation_; }

 private:
  struct Due {
    Instant when;
    std::uint64_t order;
    std::function<void()> what;
    friend bool operator<(const Due& a, const Due& b) {
      return a.when != b.when ? a.when > b.when : a.order > b.order;
    }
  };
  void print(const std::string& line) const;

  Rng rng_;
  const bool trace_;
  Instant start_;
  Instant now_;
  Instant end_;  // of the run
  bool faults_ = true;
  std::uint64_t order_ = 0;
  std::uint64_t at_this_instant_ = 0;
  std::vector<Due> due_;  // a heap
  std::optional<std::string> violation_;
};

}  // namespace posthaste::rehearsal
