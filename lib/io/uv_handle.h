// close_handle: how every libuv handle of this folder ends. For the .cc files of lib/io only.
//
// A class that wraps a handle has a State that *is* the handle (`struct State : uv_timer_t`) and
// holds what the callback needs. The State outlives its owner until libuv has let go of it, so an
// owner may be destroyed inside its own callback; `data`, null from then on, says that nobody is at
// home.
//
// Does not     belong into any header outside lib/io: it brings <uv.h> along.
#pragma once

#include <uv.h>

#include "lib/base/check.h"

namespace posthaste::io {

template <typename Handle, typename State>
void close_handle(State* state) {
  state->data = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(static_cast<Handle*>(state)), [](uv_handle_t* closed) {
    delete static_cast<State*>(reinterpret_cast<Handle*>(closed));
  });
}

}  // namespace posthaste::io
