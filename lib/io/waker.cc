#include "lib/base/check.h"
#include "lib/io/loop.h"
#include "lib/io/mailbox.h"
#include "lib/io/uv_handle.h"

namespace posthaste::io {

struct Waker::State : uv_async_t {
  std::function<void()> callback;
};

Waker::Waker(Loop& loop, std::function<void()> callback) : state_(new State) {
  state_->callback = std::move(callback);
  const auto deliver = [](uv_async_t* handle) {
    if (handle->data != nullptr) static_cast<State*>(handle)->callback();
  };
  CHECK(uv_async_init(loop.raw(), state_, deliver) == 0);
  state_->data = state_;
}

Waker::~Waker() { close_handle<uv_async_t>(state_); }

void Waker::wake() noexcept { CHECK(uv_async_send(state_) == 0); }

}  // namespace posthaste::io
