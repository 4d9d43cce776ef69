#include "lib/io/stream.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace posthaste::io {
namespace {

IoResult failed(IoStatus would_block) {
  if (errno == EAGAIN || errno == EWOULDBLOCK) return {.status = would_block};
  return {.status = IoStatus::kError, .sys_errno = errno};
}

}  // namespace

IoResult PlainStream::read(char* into, std::size_t size) {
  ssize_t n = 0;
  do n = ::read(fd_, into, size);
  while (n < 0 && errno == EINTR);
  if (n < 0) return failed(IoStatus::kWantRead);
  if (n == 0) return {.status = IoStatus::kEof};
  const auto bytes = static_cast<std::size_t>(n);
  return {.bytes = bytes, .drained = bytes < size};
}

IoResult PlainStream::write(const iovec* parts, int count) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts);  // sendmsg() only reads it
  message.msg_iovlen = static_cast<std::size_t>(count);
  ssize_t n = 0;
  do n = ::sendmsg(fd_, &message, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  if (n < 0) return failed(IoStatus::kWantWrite);
  return {.bytes = static_cast<std::size_t>(n)};
}

}  // namespace posthaste::io
