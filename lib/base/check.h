// CHECK: an assertion that stays on in release builds. It guards against our own
// mistakes only; bytes from outside never reach one.
#pragma once

namespace posthaste {

// Prints where and what, then aborts. Never returns.
[[noreturn]] void check_failed(const char* file, int line, const char* what) noexcept;

}  // namespace posthaste

#define CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::posthaste::check_failed(__FILE__, __LINE__, #condition))
