#include "lib/io/loop.h"

#include <csignal>
#include <ctime>
#include <utility>

#include "lib/base/check.h"
#include "lib/io/loop_state.h"

namespace posthaste::io {
namespace {

constexpr int kLastRounds =
    1000;  // deferred work that still defers after so many rounds never ends

Duration monotonic() {
  timespec ts{};
  CHECK(clock_gettime(CLOCK_MONOTONIC, &ts) == 0);
  return std::chrono::seconds(ts.tv_sec) + Duration(ts.tv_nsec / 1000);
}

// Where the monotonic clock's origin lies on the wall clock, fixed when first asked: one answer for
// all threads.
Instant monotonic_origin() {
  static const Instant origin =
      std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()) - monotonic();
  return origin;
}

void ignore_sigpipe() {
  struct sigaction action {};
  CHECK(sigaction(SIGPIPE, nullptr, &action) == 0);
  if (action.sa_handler != SIG_DFL) return;
  action.sa_handler = SIG_IGN;
  CHECK(sigaction(SIGPIPE, &action, nullptr) == 0);
}

template <typename Handle>
uv_handle_t* base(Handle* handle) {
  return reinterpret_cast<uv_handle_t*>(handle);
}

void before_block(uv_prepare_t* handle) noexcept {
  static_cast<Loop::State*>(handle->data)->run_deferred();
}

}  // namespace

Instant anchored_now() { return monotonic_origin() + monotonic(); }

std::uint64_t uv_milliseconds(Instant when) {
  const Duration since = when - monotonic_origin();
  if (since <= Duration::zero()) return 0;
  return static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::milliseconds>(since).count());
}

void Loop::State::run_deferred() {
  CHECK(deferred_running.empty());
  deferred_running.swap(deferred);
  for (auto& work : deferred_running) std::exchange(work, nullptr)();
  deferred_running.clear();
  if (deferred.empty()) {
    uv_idle_stop(&keep_awake);
  } else {
    uv_idle_start(&keep_awake, [](uv_idle_t*) {});
  }
  clock_fresh = false;
}

Loop::Loop() : state_(std::make_unique<State>()) {
  ignore_sigpipe();
  (void)monotonic_origin();
  State& s = *state_;
  CHECK(uv_loop_init(&s.loop) == 0);
  CHECK(uv_prepare_init(&s.loop, &s.before_block) == 0);
  s.before_block.data = &s;
  CHECK(uv_prepare_start(&s.before_block, before_block) == 0);
  CHECK(uv_idle_init(&s.loop, &s.keep_awake) == 0);
  CHECK(uv_async_init(&s.loop, &s.stop_request, [](uv_async_t* async) { uv_stop(async->loop); }) ==
        0);
}

Loop::~Loop() {
  State& s = *state_;
  s.lingering.clear();
  for (int round = 0; !s.deferred.empty(); ++round) {
    CHECK(round < kLastRounds);
    s.run_deferred();
  }
  uv_close(base(&s.before_block), nullptr);
  uv_close(base(&s.keep_awake), nullptr);
  uv_close(base(&s.stop_request), nullptr);
  // A handle that is not closing by now has an owner who outlives the loop: a mistake, and it would
  // block here.
  uv_walk(
      &s.loop, [](uv_handle_t* handle, void*) { CHECK(uv_is_closing(handle)); }, nullptr);
  uv_run(&s.loop, UV_RUN_DEFAULT);
  CHECK(uv_loop_close(&s.loop) == 0);
  CHECK(s.deferred.empty());
}

void Loop::run() {
  State& s = *state_;
  CHECK(!s.running);
  s.running = true;
  s.clock_fresh = false;
  uv_run(&s.loop, UV_RUN_DEFAULT);
  s.ending = true;
  for (int round = 0; !s.deferred.empty(); ++round) {
    CHECK(round < kLastRounds);
    s.run_deferred();
  }
  s.ending = false;
  s.running = false;
}

void Loop::stop() { uv_stop(&state_->loop); }

void Loop::stop_from_any_thread() { CHECK(uv_async_send(&state_->stop_request) == 0); }

bool Loop::ending() const { return state_->ending; }

Instant Loop::now() const {
  State& s = *state_;
  if (!s.clock_fresh) {
    s.clock = anchored_now();
    s.clock_fresh = s.running;
  }
  return s.clock;
}

Instant Loop::fresh_now() {
  state_->clock_fresh = false;
  return now();
}

void Loop::defer(std::function<void()> work) { state_->deferred.push_back(std::move(work)); }

std::size_t Loop::lingering() const { return state_->lingering.size(); }

uv_loop_s* Loop::raw() const { return &state_->loop; }

}  // namespace posthaste::io
