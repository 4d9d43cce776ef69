// The version that --version, /v1/status and the log show.
#pragma once

namespace posthaste::daemon {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace posthaste::daemon
