// WireReader: walks a DNS packet octet by octet, and never outside of it. With it, the one encoding
// of names.
//
// Names as text are folded and have no trailing dot; the root is "". A dot or backslash inside a
// label is escaped as "\." and "\\", an octet that is not printable ASCII as "\DDD" (RFC 1035 §5.1,
// RFC 4343 §2.1); so two names are equal if and only if their texts are.
//
// Lifetime     a view of the packet, which must outlive it.
// Limits       255 octets a name, 63 a label (RFC 1035 §2.3.4); a compression pointer must lead to
//              before the place where the name (or its last pointer) stands, so that none loops.
// Implements   RFC 1035 §3.1, §4.1.4; RFC 4343.
// Does not     know sections and records. See answer_parser.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace posthaste::dns {

// A read that does not fit gives zero or nothing and sets failed() for good, so that a caller may
// read a whole structure and ask once.
class WireReader {
 public:
  explicit WireReader(std::string_view packet) : packet_(packet) {}

  std::uint8_t u8();
  std::uint16_t u16();
  std::uint32_t u32();
  std::string_view octets(std::size_t count);
  std::string domain_name();

  std::size_t at() const { return at_; }
  void seek(std::size_t at);
  bool failed() const { return failed_; }

 private:
  // Appends the label of that length that begins at `at`.
  void append_label(std::size_t at, std::size_t length, std::string& text) const;

  const std::string_view packet_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

// Text as above to wire format, uncompressed. Error: kInvalid (an empty label, or one of the
// limits).
Result<std::string> encode_name(std::string_view text);

}  // namespace posthaste::dns
