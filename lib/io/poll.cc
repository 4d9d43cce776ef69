#include "lib/io/poll.h"

#include "lib/io/uv_handle.h"

namespace posthaste::io {

struct Poll::State : uv_poll_t {
  explicit State(std::function<void(Readiness)> on_ready) : callback(std::move(on_ready)) {}

  void fire(int status, int events) {
    if (data == nullptr) return;
    // libuv reports POLLERR as a failure (UV_EBADF) after it has stopped watching.
    if (status < 0) watched = 0;
    callback(Readiness{.readable = (events & UV_READABLE) != 0,
                       .writable = (events & UV_WRITABLE) != 0,
                       .broken = status < 0});
  }

  const std::function<void(Readiness)> callback;
  int watched = 0;
};

Poll::Poll(Loop& loop, int fd, std::function<void(Readiness)> callback)
    : state_(new State(std::move(callback))) {
  CHECK(uv_poll_init(loop.raw(), state_, fd) == 0);
  state_->data = state_;
}

Poll::~Poll() { close_handle<uv_poll_t>(state_); }

void Poll::watch(bool readable, bool writable) {
  State& s = *state_;
  const int events = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);
  if (events == s.watched) return;
  s.watched = events;
  if (events == 0) {
    CHECK(uv_poll_stop(&s) == 0);
    return;
  }
  const auto fire = [](uv_poll_t* handle, int status, int happened) {
    static_cast<State*>(handle)->fire(status, happened);
  };
  CHECK(uv_poll_start(&s, events, fire) == 0);
}

}  // namespace posthaste::io
