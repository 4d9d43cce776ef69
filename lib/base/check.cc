#include "lib/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace posthaste {

void check_failed(const char* file, int line, const char* what) noexcept {
  std::fprintf(stderr, "%s:%d: CHECK failed: %s\n", file, line, what);
  std::abort();
}

}  // namespace posthaste
