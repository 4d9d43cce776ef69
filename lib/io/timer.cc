#include "lib/io/loop_state.h"
#include "lib/io/uv_handle.h"

namespace posthaste::io {

struct Timer::State : uv_timer_t {
  State(Loop& home_loop, std::function<void()> on_due)
      : home(home_loop), callback(std::move(on_due)) {}

  void fire() {
    when = kNever;
    Loop::State& shared = home.state();
    // The iteration's time may have been read before this timer was due.
    shared.clock_fresh = false;
    shared.in_timers = true;
    callback();
    shared.in_timers = false;
  }

  Loop& home;
  const std::function<void()> callback;
  Instant when = kNever;  // kNever: not set
};

Timer::Timer(Loop& loop, std::function<void()> callback)
    : state_(new State(loop, std::move(callback))) {
  CHECK(uv_timer_init(loop.raw(), state_) == 0);
  state_->data = state_;
}

Timer::~Timer() { close_handle<uv_timer_t>(state_); }

void Timer::set(Instant when) {
  State& s = *state_;
  if (when == s.when) return;
  s.when = when;
  if (when == kNever) {
    uv_timer_stop(&s);
    return;
  }
  const std::uint64_t now = uv_now(s.loop);
  const std::uint64_t due = uv_milliseconds(when);
  // libuv would run a timer that its own callback sets to now again and again, and never look at a
  // socket.
  const std::uint64_t at_least = s.home.state().in_timers ? 1 : 0;
  const std::uint64_t timeout = due > now + at_least ? due - now : at_least;
  const auto fire = [](uv_timer_t* timer) { static_cast<State*>(timer)->fire(); };
  CHECK(uv_timer_start(&s, fire, timeout, 0) == 0);
}

}  // namespace posthaste::io
