// Loop, Timer, Signal: one libuv event loop and what can be hung into it, without <uv.h> in the
// header.
//
// Threads      everything of a Loop from the thread that runs it, but stop_from_any_thread().
// Lifetime     whatever was made with a Loop& is destroyed before the Loop; a destructor closes its
//              uv handle and the memory is given back by the loop's close callbacks.
// Does not     own threads. One Loop per thread, made by whoever makes the thread.
#pragma once

#include <functional>
#include <memory>

#include "lib/base/time.h"

struct uv_loop_s;

namespace posthaste::io {

class Loop {
 public:
  // Also ignores SIGPIPE in the whole process: OpenSSL writes with write(2), which cannot be told
  // not to raise it.
  Loop();
  // Runs the deferred work and the close callbacks that are left; CHECKs that nothing stays open.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void run();  // until stop(); deferred work is done before it returns
  void stop();
  void stop_from_any_thread();
  // run() was stopped, and does the deferred work that is left: that is to come to an end.
  bool ending() const;

  // Wall time at process start plus the monotonic time since: never steps back within the process.
  // Read when it is first asked for in a loop iteration, to the microsecond; outside run() every
  // time.
  Instant now() const;
  // Reads the clock again; for after long work.
  Instant fresh_now();

  // Runs after the callbacks of the current iteration, before the loop blocks; in the order given.
  // Work that is deferred by deferred work runs in the next iteration. For deferred destruction and
  // for "flush once per iteration".
  void defer(std::function<void()> work);

  // Connections that Connection::close_gracefully has not yet closed.
  std::size_t lingering() const;

  uv_loop_s* raw() const;

  struct State;  // for lib/io: see loop_state.h
  State& state() { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

// A one-shot timer that can be set again and again. Cheap to move later; one per worker, not one
// per message.
class Timer {
 public:
  Timer(Loop& loop, std::function<void()> callback);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  // kNever stops it. A time in the past fires in the next iteration. In the callback loop.now() >=
  // `when`.
  void set(Instant when);

 private:
  struct State;
  State* state_;
};

// Calls back for a POSIX signal in the loop's thread.
class Signal {
 public:
  Signal(Loop& loop, int signal_number, std::function<void()> callback);
  ~Signal();
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

 private:
  struct State;
  State* state_;
};

}  // namespace posthaste::io
