// Poll: calls back when a file descriptor is readable or writable.
//
// Lifetime     may be destroyed inside its own callback. The descriptor may be closed once the Poll
//              is gone.
// Threads      the loop's.
// Does not     own the descriptor; two Polls on one descriptor are a mistake.
#pragma once

#include <functional>

#include "lib/io/loop.h"

namespace posthaste::io {

struct Readiness {
  bool readable = false;
  bool writable = false;
  // The socket has an error to tell (SO_ERROR, or the next read or write). Nothing is watched any
  // more.
  bool broken = false;
};

class Poll {
 public:
  // Makes `fd` non-blocking. Watches nothing yet.
  Poll(Loop& loop, int fd, std::function<void(Readiness)> callback);
  ~Poll();
  Poll(const Poll&) = delete;
  Poll& operator=(const Poll&) = delete;

  // What to watch from now on. The same as before costs nothing; a change costs two system calls.
  void watch(bool readable, bool writable);

 private:
  struct State;
  State* state_;
};

}  // namespace posthaste::io
