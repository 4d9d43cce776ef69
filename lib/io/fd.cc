#include "lib/io/fd.h"

#include <unistd.h>

namespace posthaste::io {

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

void Fd::reset() {
  // Linux gives the number back even when close() reports EINTR, so it is never called twice.
  if (fd_ >= 0) ::close(release());
}

}  // namespace posthaste::io
