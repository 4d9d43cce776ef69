#include "tests/sim/world.h"

#include <cstdio>
#include <utility>

namespace posthaste::sim {
namespace {

constexpr Instant kStart{std::chrono::seconds(1'780'000'000)};
// More events than that without time going on: somebody turns in a circle.
constexpr std::uint64_t kEventsAtOneInstant = 20'000;

}  // namespace

World::World(std::uint64_t seed, Mutation mutation, bool trace)
    : rng_(seed), mutation_(std::move(mutation)), trace_(trace), start_(kStart), now_(kStart) {}

void World::at(Instant when, std::function<void()> what) {
  due_.push({std::max(when, now_), order_++, std::move(what)});
}

void World::run_until(Instant end) {
  while (!violation_ && !due_.empty() && due_.top().when <= end) {
    Due next = due_.top();
    due_.pop();
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

}  // namespace posthaste::sim
