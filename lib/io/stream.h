// Stream: reads and writes a connected socket without blocking; in plaintext (PlainStream) or TLS
// (lib/tls).
//
// Threads      none: one thread at a time.
// Does not     own the socket, wait for it, or close it.
#pragma once

#include <sys/uio.h>

#include <cstddef>

namespace posthaste::io {

enum class IoStatus : unsigned char { kOk, kWantRead, kWantWrite, kEof, kError };

struct IoResult {
  IoStatus status = IoStatus::kOk;
  std::size_t bytes = 0;  // kOk: how many were read or taken
  int sys_errno = 0;      // kError: errno, or 0 where the stream knows better words
  // kOk of a read: nothing is left in the stream, and hardly anything in the socket; asking again
  // would most likely be a system call for nothing. What comes later makes the socket readable.
  bool drained = false;
};

class Stream {
 public:
  virtual ~Stream() = default;
  virtual IoResult read(char* into, std::size_t size) = 0;
  // Takes less than all only where the socket took less; then it is worth asking again when it is
  // writable. After kWantRead or kWantWrite the same bytes are offered again (more may follow
  // them).
  virtual IoResult write(const iovec* parts, int count) = 0;
  // TLS only: goes on with the handshake. kOk: it is up.
  virtual IoResult handshake() { return {}; }
  // TLS only: sends close_notify, best effort.
  virtual void shutdown() {}
};

class PlainStream final : public Stream {
 public:
  explicit PlainStream(int fd) : fd_(fd) {}
  IoResult read(char* into, std::size_t size) override;
  IoResult write(const iovec* parts, int count) override;

 private:
  int fd_;
};

}  // namespace posthaste::io
