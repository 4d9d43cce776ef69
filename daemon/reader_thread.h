// ReaderThread: reads that may wait for the disk, kept away from the loops that serve sockets.
// Three lanes, a thread each: what a delivery waits for never stands behind somebody's look at the
// queue, nor that behind a copy of all of it.
//
// Lifetime     what is queued and not begun is dropped at its end; a scan that is under way is
//              asked to stop.
// Threads      push functions from any; the work runs in its lane's thread and sends its answer
//              where it wants.
// Limits       none of its own: whoever pushes waits for the answer before he asks again.
#pragma once

#include <functional>
#include <stop_token>
#include <thread>

#include "daemon/heartbeat.h"
#include "lib/io/loop.h"
#include "lib/io/mailbox.h"

namespace posthaste::daemon {

class ReaderThread {
 public:
  // Looks at the token between its steps, and returns soon after a stop was asked for.
  using Scan = std::function<void(const std::stop_token& stop)>;

  ~ReaderThread();
  // One record or two.
  void push(std::function<void()> work);
  // As much as it takes: seconds.
  void push_scan(Scan scan);
  // A copy of the store: hours, perhaps; it is not asked to stop.
  void push_copy(std::function<void()> work);

  // Of the lanes for single records, scans and copies, from any thread.
  std::int64_t heartbeat() const { return short_.heartbeat(); }
  std::int64_t scan_heartbeat() const { return long_.heartbeat(); }
  std::int64_t copy_heartbeat() const { return copy_.heartbeat(); }

 private:
  class Lane {
   public:
    explicit Lane(std::stop_token stop);
    void push(Scan work) { mailbox_.push(std::move(work)); }
    void join();
    std::int64_t heartbeat() const { return heartbeat_.last(); }

   private:
    void on_mail();

    const std::stop_token stop_;
    io::Loop loop_;
    io::Mailbox<Scan> mailbox_;
    Heartbeat heartbeat_;
    std::thread thread_;
  };

  std::stop_source stop_;
  Lane short_{stop_.get_token()};
  Lane long_{stop_.get_token()};
  Lane copy_{stop_.get_token()};
};

}  // namespace posthaste::daemon
