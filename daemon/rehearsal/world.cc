#include "daemon/rehearsal/world.h"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace posthaste::rehearsal {
namespace {

// More events than that without time going on: somebody turns in a circle.
constexpr std::uint64_t kEventsAtOneInstant = 20'000;

}  // namespace

World::World(std::uint64_t seed, Instant start, bool trace)
    : rng_(seed), trace_(trace), start_(start), now_(start) {}

void World::at(Instant when, std::function<void()> what) {
  due_.push_back({std::max(when, now_), order_++, std::move(what)});
  std::push_heap(due_.begin(), due_.end());
}

void World::run_until(Instant end) {
  while (!violation_ && !due_.empty() && due_.front().when <= end) {
    std::pop_heap(due_.begin(), due_.end());
    const Due next = std::move(due_.back());
    due_.pop_back();
    at_this_instant_ = next.when == now_ ? at_this_instant_ + 1 : 0;
    if (at_this_instant_ > kEventsAtOneInstant) return violate("time stands still: livelock");
    now_ = next.when;
    next.what();
  }
  if (!violation_) now_ = end;
}

Duration World::draw(Duration least, Duration most) {
  const auto span = static_cast<std::uint64_t>((most - least).count());
  return least + Duration(static_cast<Duration::rep>(rng_.below(span + 1)));
}

void World::violate(const std::string& rule) {
  if (violation_) return;
  violation_ = rule;
  say("VIOLATED: {}", rule);
}

void World::print(const std::string& line) const {
  const auto elapsed = std::chrono::duration_cast<std::chrono::microseconds>(now_ - start_).count();
  std::printf("%12.6f  %s\n", static_cast<double>(elapsed) / 1e6, line.c_str());
}

}  // namespace posthaste::rehearsal
