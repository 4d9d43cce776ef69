// Connection::State: the machine behind a Connection. For the .cc files of lib/io only.
//
// Lifetime     outlives its Connection until the loop's next turn, so that a Connection may go
//              while its State is still on the stack; Phase::kClosed says that nobody is there any
//              more.
// Does not     touch libuv: see poll.h.
#pragma once

#include <optional>

#include "lib/io/connection.h"
#include "lib/io/output_queue.h"
#include "lib/io/poll.h"

namespace posthaste::io {

struct Connection::State {
  enum class Phase : unsigned char {
    kConnecting,
    kOpen,
    kStartingTls,  // plaintext that was queued before the handshake is still on its way out
    kHandshaking,
    kDraining,  // lingering: all is written; swallows what the peer still sends, until its end
    kGone,      // the Handler heard the last
    kClosed,
  };
  // What is to be done in the loop's next turn, because it must not happen inside a caller's call.
  enum Turn : unsigned {
    kTellConnectError = 1,
    kHandshake = 2,
    kTellWritten = 4,
    kRead = 8,
    kWriteFailed = 16,
  };

  struct Plaintext {
    std::unique_ptr<Stream> stream;
    OutputQueue output;
  };

  State(Loop& home, Fd fd, Handler& listener, Phase first);

  void on_ready(Readiness ready);
  void take_turn();
  void in_next_turn(Turn what);
  void read_in_next_run();

  void finish_connect();
  void drive_handshake();
  void read_all_there_is();
  // Writes until nothing is left or the kernel is full. True: nothing is left.
  bool write_out();
  void tell_written();
  void give_up(IoResult result);
  void update_watch();
  int pending_error() const;  // SO_ERROR
  std::size_t unread_bytes() const;

  // True: nothing is left to do; false: the peer still talks, and is drained.
  bool say_last_words();
  void begin_lingering(std::unique_ptr<Connection> self, Duration linger);
  void drain();
  void leave();
  void close(bool reset);

  bool open() const { return phase == Phase::kOpen; }

  Loop& loop;
  Fd socket;
  Handler* handler;
  std::unique_ptr<Stream> stream;
  std::optional<Poll> poll;
  OutputQueue output;
  std::unique_ptr<Plaintext> before_tls;  // what start_tls() found not yet written; almost never
  std::unique_ptr<Timer> linger_timer;
  std::unique_ptr<Timer> next_run;     // reading that was put off when the loop was stopped
  Connection* lingering_as = nullptr;  // key in the loop's set, when lingering
  std::size_t drained_bytes = 0;
  int connect_errno = 0;
  IoResult write_failure;
  unsigned turn = 0;  // of Turn
  Phase phase;
  bool turn_queued = false;
  bool tls = false;
  bool paused = false;  // by pause_reading()
  bool read_parked =
      false;  // something arrived while paused: READABLE is off until resume_reading()
  bool write_blocked = false;  // the kernel is full: WRITABLE is on
  bool read_needs_write =
      false;            // TLS must write before it can read on: WRITABLE is on, READABLE off
  bool broken = false;  // the socket has an error; reading on shows it
};

}  // namespace posthaste::io
