// Codec: the fields that stored values are made of, to bytes and back: ByteWriter and ByteReader.
//
//   u8      one byte
//   var     unsigned LEB128: 7 bits a byte, lowest first, top bit set on all but the last; only the
//           shortest form is read; at most 64 bits
//   str     var length, then that many bytes
//   time    8 bytes, little endian: microseconds since the Unix epoch as two's complement
//   rest    whatever is left, without a length: the last field of a value
//
// Lifetime     ByteWriter appends to a string of the caller's, so that one buffer serves many
//              values; ByteReader looks into bytes that must outlive it, and returns copies.
// Threads      none: one thread at a time.
// Limits       reading trusts no length and allocates no more than it was given.
// Does not     know what the fields mean, nor which version of a format they follow.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

#include "lib/base/time.h"

namespace posthaste {

class ByteWriter {
 public:
  explicit ByteWriter(std::string& out) : out_(out) {}

  void u8(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void var(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) u8(static_cast<std::uint8_t>(value | 0x80));
    u8(static_cast<std::uint8_t>(value));
  }
  void str(std::string_view text) {
    var(text.size());
    out_.append(text);
  }
  void time(Instant instant) {
    auto value = static_cast<std::uint64_t>(instant.time_since_epoch().count());
    for (int i = 0; i < 8; ++i, value >>= 8) u8(static_cast<std::uint8_t>(value));
  }
  void rest(std::string_view bytes) { out_.append(bytes); }

 private:
  std::string& out_;
};

// Reads fields from the front. The first one that is not there, or out of range, makes everything
// after it fail and read as zero, so that a decoder asks once, at its end: used_up().
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  // A value above `max` is wrong.
  std::uint8_t u8(std::uint8_t max) {
    if (rest_.empty()) return wrong();
    const auto value = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value <= max ? value : wrong();
  }
  // A value that does not fit in Unsigned is wrong.
  template <typename Unsigned>
  Unsigned var() {
    static_assert(std::is_unsigned_v<Unsigned>);
    return static_cast<Unsigned>(var_up_to(std::numeric_limits<Unsigned>::max()));
  }
  std::string str() {
    const auto size = var_up_to(std::numeric_limits<std::uint64_t>::max());
    if (size > rest_.size()) {
      wrong();
      return {};
    }
    std::string text(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return text;
  }
  Instant time() {
    if (rest_.size() < 8) {
      wrong();
      return {};
    }
    std::uint64_t value = 0;
    for (std::size_t i = 8; i-- > 0;) value = value << 8 | static_cast<std::uint8_t>(rest_[i]);
    rest_.remove_prefix(8);
    return Instant(Duration(static_cast<std::int64_t>(value)));
  }
  std::string rest() {
    std::string bytes(rest_);
    rest_ = {};
    return bytes;
  }

  // For a field that is there, but means nothing. Returns 0.
  std::uint8_t wrong() {
    right_ = false;
    rest_ = {};
    return 0;
  }
  std::size_t left() const { return rest_.size(); }
  bool right() const { return right_; }
  // Every field was there and right, and nothing is left over.
  bool used_up() const { return right_ && rest_.empty(); }

 private:
  std::uint64_t var_up_to(std::uint64_t max) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t byte = u8(0xFF);
      const std::uint64_t bits = byte & 0x7FU;
      const bool padded = byte == 0 && shift != 0;  // a longer form of a smaller number
      if (!right_ || padded || (shift == 63 && bits > 1)) return wrong();
      value |= bits << shift;
      if (byte < 0x80) return value <= max ? value : wrong();
    }
    return wrong();
  }

  std::string_view rest_;
  bool right_ = true;
};

}  // namespace posthaste
