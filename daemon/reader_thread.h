// ReaderThread: reads that may wait for the disk, kept away from the loops that serve sockets.
//
// Threads      push() from any; the work runs in this thread and sends its answer where it wants.
#pragma once

#include <functional>
#include <thread>

#include "lib/io/loop.h"
#include "lib/io/mailbox.h"

namespace posthaste::daemon {

class ReaderThread {
 public:
  ReaderThread();
  ~ReaderThread();  // what is queued and not begun is dropped
  void push(std::function<void()> work);

 private:
  void on_mail();

  io::Loop loop_;
  io::Mailbox<std::function<void()>> mailbox_;
  std::thread thread_;
};

}  // namespace posthaste::daemon
