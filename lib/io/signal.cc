#include "lib/io/loop_state.h"
#include "lib/io/uv_handle.h"

namespace posthaste::io {

struct Signal::State : uv_signal_t {
  std::function<void()> callback;
};

Signal::Signal(Loop& loop, int signal_number, std::function<void()> callback) : state_(new State) {
  state_->callback = std::move(callback);
  CHECK(uv_signal_init(loop.raw(), state_) == 0);
  state_->data = state_;
  const auto deliver = [](uv_signal_t* handle, int) {
    if (handle->data != nullptr) static_cast<State*>(handle)->callback();
  };
  CHECK(uv_signal_start(state_, deliver, signal_number) == 0);
}

Signal::~Signal() { close_handle<uv_signal_t>(state_); }

}  // namespace posthaste::io
