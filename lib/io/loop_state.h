// Loop::State: what the parts of lib/io share of a Loop. For the .cc files of this folder only.
//
// Does not     belong into any header outside lib/io: it brings <uv.h> along.
#pragma once

#include <uv.h>

#include <array>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "lib/io/connection.h"
#include "lib/io/loop.h"

namespace posthaste::io {

inline constexpr std::size_t kReadBufferBytes = std::size_t{64} * 1024;

struct Loop::State {
  uv_loop_t loop{};
  uv_prepare_t before_block{};  // runs the deferred work
  uv_idle_t keep_awake{};       // active while work is deferred, so that polling does not block
  uv_async_t stop_request{};

  std::vector<std::function<void()>> deferred;
  std::vector<std::function<void()>> deferred_running;  // swapped with `deferred`: capacity is kept

  bool running = false;
  bool ending = false;       // in the last rounds of run()
  bool in_timers = false;    // inside a Timer's callback
  bool clock_fresh = false;  // `clock` was read in this iteration
  Instant clock{};

  // One buffer for all connections: what was read is handed on at once and never kept.
  std::array<char, kReadBufferBytes> read_buffer;

  // Connections whose owners are gone, but whose last words are not yet written.
  std::unordered_map<Connection*, std::unique_ptr<Connection>> lingering;

  void run_deferred();
};

// The wall clock at process start plus the monotonic time since then.
Instant anchored_now();
// `when` on libuv's clock (CLOCK_MONOTONIC in milliseconds), rounded up; 0 for what lies before its
// origin.
std::uint64_t uv_milliseconds(Instant when);

}  // namespace posthaste::io
