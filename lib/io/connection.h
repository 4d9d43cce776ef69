// Connection: a socket in a Loop with an output queue; plaintext first, TLS when told.
//
// Reads straight into one buffer of the loop and hands it on; writes what was queued in one sendmsg
// per flush(), and asks for writability only when the kernel took less. One epoll registration for
// its life in the common case: READABLE stays on (but see pause_reading), WRITABLE comes and goes.
//
//   Connecting -> Open -> [Starting TLS (old plaintext leaves) -> Handshaking -> Open] -> Gone ->
//   Closed
//
// Lifetime     owned by its user. It may be destroyed at any time, also inside its own Handler's
//              calls (a Handler that would go with it had better use Loop::defer). After close() no
//              Handler call comes any more.
// Threads      the loop's.
// Limits       hands on at most 256 KiB before other connections have their turn. The output queue
//              is bounded by its user, who sees queued_bytes().
// Does not     know SMTP or OpenSSL, time anything out (but the lingering of close_gracefully).
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "lib/base/ip.h"
#include "lib/base/result.h"
#include "lib/io/fd.h"
#include "lib/io/loop.h"
#include "lib/io/stream.h"

namespace posthaste::io {

class Connection {
 public:
  // No call comes from inside a call to the Connection, but from the loop.
  class Handler {
   public:
    virtual ~Handler() = default;
    virtual void on_connected() {}                       // connect() came to its end
    virtual void on_connect_error(int /*sys_errno*/) {}  // and then nothing more
    virtual void on_bytes(std::string_view data) = 0;    // valid during the call
    // kOk; or kEof or kError, and then nothing more. The Stream knows the details.
    virtual void on_handshake(IoResult result) = 0;
    virtual void on_written() {}  // the output queue has run empty after having been not
    // kEof or kError, from reading or writing; then nothing more. What the peer said before it went
    // was handed on.
    virtual void on_gone(IoResult result) = 0;
  };

  // Takes over a connected (accepted) socket; sets non-blocking, close-on-exec and TCP_NODELAY.
  Connection(Loop& loop, Fd socket, Handler& handler);
  // Begins to connect; how it went is always told later. `source`: local address to bind to, or
  // null.
  static std::unique_ptr<Connection> connect(Loop& loop, const Endpoint& to,
                                             const IpAddress* source, Handler& handler);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Queue output; flush() writes it. Chunks are not copied. What is sent before the connection is
  // up, or during a handshake, waits for flush() too, and goes out through TLS.
  void send(std::string bytes);
  void send(std::shared_ptr<const std::string> chunk);
  void flush();
  std::size_t queued_bytes() const;

  void pause_reading();  // bytes wait in the kernel (or inside the TLS stream)
  void
  resume_reading();  // also hands on what the TLS stream holds; later, never from inside this call

  // From here on everything goes through `stream`, beginning with its handshake(). Plaintext that
  // is still queued is sent before. Returns how many bytes had arrived behind what was handed on:
  // those would be plaintext that poses as ours (STARTTLS injection, CVE-2011-0411) or, with
  // implicit TLS, the handshake's beginning. Handed on means what on_bytes was given: what stands
  // behind the STARTTLS line in there is for the caller to see. REQUIRES an open connection.
  std::size_t start_tls(std::unique_ptr<Stream> stream);
  // What it reads and writes through; valid until it is destroyed or start_tls().
  Stream& stream();

  // Writes what is queued (bounded by `linger`), says close_notify in TLS, then closes. No more
  // Handler calls. Input that waits unread is thrown away first, lest the kernel resets what the
  // peer has not read yet.
  static void close_gracefully(std::unique_ptr<Connection> connection, Duration linger);
  // Closes now; with `reset` by RST.
  void close(bool reset = false);

  int fd() const;  // -1 once it is closed

 private:
  struct State;
  explicit Connection(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace posthaste::io
