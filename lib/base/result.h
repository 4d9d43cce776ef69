// Result<T>: a value, or an Error that a postmaster can act on.
//
// What a peer decided is data, not an Error; a programmer's mistake is a CHECK.
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace posthaste {

enum class ErrorCode : std::uint8_t {
  kInvalid,      // the input breaks a rule; trying again will not help
  kNotFound,     // no such thing
  kIo,           // the system or the disk said no
  kFull,         // no space, no memory, or a limit reached; may pass
  kBusy,         // somebody else holds it
  kCorrupt,      // stored bytes that we cannot read
  kTimeout,      // a deadline passed
  kUnsupported,  // known, but not by this version
};

struct Error {
  ErrorCode code = ErrorCode::kInvalid;
  std::string words;  // what, where, and how to mend it; one line, no trailing period
};

template <typename T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

// Builds the failing side of any Result.
inline tl::unexpected<Error> fail(ErrorCode code, std::string words) {
  return tl::unexpected<Error>(Error{code, std::move(words)});
}

}  // namespace posthaste
