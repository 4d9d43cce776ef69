// Connection: a socket in a Loop with an output queue; plaintext first, TLS when told.
//
// Reads straight into one buffer of the loop's thread and hands it on; writes what was queued in one writev per
// flush(), and asks for writability only when the kernel took less. One epoll registration for its life in the
// common case: READABLE stays on (but see pause_reading), WRITABLE comes and goes.
//
// Lifetime     owned by its user. It may be destroyed at any time except from inside its own Handler's calls; there
//              use Loop::defer. After close() no Handler call comes any more.
// Threads      the loop's.
// Does not     know SMTP or OpenSSL, time anything out.
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
  class Handler {
   public:
    virtual ~Handler() = default;
    virtual void on_connected() {}                       // connect() came to its end
    virtual void on_connect_error(int /*sys_errno*/) {}  // and then nothing more
    virtual void on_bytes(std::string_view data) = 0;    // valid during the call
    virtual void on_handshake(IoResult result) = 0;      // kOk, kEof or kError; the Stream knows the details
    virtual void on_written() {}                         // the output queue has run empty after having been not
    virtual void on_gone(IoResult result) = 0;           // kEof or kError, from reading or writing; then nothing more
  };

  // Takes over a connected (accepted) socket; sets non-blocking, close-on-exec and TCP_NODELAY.
  Connection(Loop& loop, Fd socket, Handler& handler);
  // Begins to connect. `source`: local address to bind to, or null.
  static std::unique_ptr<Connection> connect(Loop& loop, const Endpoint& to, const IpAddress* source, Handler& handler);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Queue output; flush() writes it. Chunks are not copied.
  void send(std::string bytes);
  void send(std::shared_ptr<const std::string> chunk);
  void flush();
  std::size_t queued_bytes() const;

  void pause_reading();   // bytes wait in the kernel (or inside the TLS stream)
  void resume_reading();  // also hands on what the TLS stream holds; in the next iteration, never from inside this call

  // From here on everything goes through `stream`, beginning with its handshake(). REQUIRES the output queue to be
  // flushed or empty first: plaintext that is still queued is sent before. Returns how many plaintext bytes had been
  // read but not handed on or could be read now before the handshake (STARTTLS injection shows here); 0 is good.
  void start_tls(std::unique_ptr<Stream> stream);
  Stream& stream();

  // Writes what is queued (bounded by `linger`), then closes. No more Handler calls.
  static void close_gracefully(std::unique_ptr<Connection> connection, Duration linger);
  // Closes now; with `reset` by RST.
  void close(bool reset = false);

  int fd() const;

 private:
  struct State;
  State* state_;
};

}  // namespace posthaste::io
