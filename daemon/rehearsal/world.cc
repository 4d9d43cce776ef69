#include "daemon/rehearsal/world.h"

#include <algorithm>
#include <utility>

namespace posthaste::rehearsal {
namespace {

// More events than that without time going on: somebody turns in a circle.
constexpr std::uint64_t kEventsAtOneInstant = 20'000;

}  // namespace

World::World(std::uint64_t seed, Instant start, bool trace)
    : rng_(seed), trace_(trace), start_(start), now_(start), end_(start) {}

void World::at(Instant when, std::function<void()> what) {
  due_.push_back({std::max(when, now_), order_++, std::move(what)});
  std::push_heap(due_.begin(), due_.end());
}

void World::run_until(Instant end) {
  end_ = end;
  while (!violation_ && !due_.empty() && due_.front().when <= end_) {
    std::pop_heap(due_.begin(), due_.end());
    const Due next = std::move(due_.back());
    due_.pop_back();
    at_this_instant_ = next.when == now_ ? at_this_instant_ + 1 : 0;
    if (at_this_instant_ > kEventsAtOneInstant) return violate("time stands still: livelock");
    now_ = next.when;
    next.what();
  }
  if (!violation_) now_ = end_;
}

void World::step_clock(Duration by) {
  start_ += by;
  now_ += by;
  end_ += by;
  for (Due& due : due_) due.when += by;
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

// "1 07:00:12.034  mx0.hosts.example says 250-fine | 250 8BITMIME"
void World::print(const std::string& line) const {
  const std::chrono::hh_mm_ss time(
      std::chrono::floor<std::chrono::milliseconds>(elapsed() % std::chrono::hours(24)));
  std::string text = line;
  for (std::size_t at = 0; (at = text.find("\r\n", at)) != std::string::npos; at += 3) {
    text.replace(at, 2, " | ");
  }
  fmt::print("{} {:02}:{:02}:{:02}.{:03}  {}\n", elapsed() / std::chrono::hours(24),
             time.hours().count(), time.minutes().count(), time.seconds().count(),
             time.subseconds().count(), text);
}

}  // namespace posthaste::rehearsal
