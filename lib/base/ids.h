// MessageId, ShardId, ConnId: identities that cannot be mixed up.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "lib/base/result.h"
#include "lib/base/time.h"

namespace posthaste {

// Names one accepted message for ever. 64 bits, top bit 0: 41 bits of milliseconds since the
// Unix epoch, 10 bits of node (0 on one machine), 12 bits of sequence; so ids sort by time.
struct MessageId {
  std::uint64_t value = 0;
  friend auto operator<=>(MessageId, MessageId) = default;
  // The millisecond in which the message began to arrive.
  Instant time() const { return Instant(std::chrono::milliseconds(value >> 22)); }
};

// 13 characters of Crockford's base 32, upper case: what logs, replies and the tool show.
std::string render_id(MessageId id);
// Accepts what render_id makes, in either case. Error: kInvalid.
Result<MessageId> parse_id(std::string_view text);

// Hands out MessageIds that never repeat in one queue.
//
// Lifetime     one worker; `lane` of `lanes` keeps the sequences of workers apart.
// Threads      none: one thread at a time.
class IdSource {
 public:
  // REQUIRES lane < lanes <= 256. `after`: ids at or below it are taken (a former run's).
  IdSource(unsigned lane, unsigned lanes, MessageId after);
  // ENSURES greater than every id that this source gave before, and than `after`.
  MessageId next(Instant now);

 private:
  const std::uint64_t lane_;
  const std::uint64_t lanes_;
  std::uint64_t millisecond_;
  std::uint64_t turn_ = 0;  // how many were given in millisecond_
};

// Destinations fall into a fixed number of shards; a shard belongs to one worker.
using ShardId = std::uint16_t;
inline constexpr ShardId kShards = 1024;

// One outbound connection of one worker. Never reused while the process lives.
struct ConnId {
  std::uint64_t value = 0;
  friend auto operator<=>(ConnId, ConnId) = default;
};

}  // namespace posthaste

template <>
struct std::hash<posthaste::MessageId> {
  std::size_t operator()(posthaste::MessageId id) const noexcept {
    return std::hash<std::uint64_t>{}(id.value * 0x9E3779B97F4A7C15U);
  }
};
template <>
struct std::hash<posthaste::ConnId> {
  std::size_t operator()(posthaste::ConnId id) const noexcept {
    return std::hash<std::uint64_t>{}(id.value);
  }
};
