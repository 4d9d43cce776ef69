// Keys: what things are called in the database (docs/queue-format.md). Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "lib/base/ids.h"
#include "queue/store.h"

namespace posthaste::queue {

// A key of fixed size, without an allocation.
template <std::size_t kSize>
struct FixedKey {
  std::array<char, kSize> bytes{};
  std::string_view view() const { return {bytes.data(), bytes.size()}; }
};

FixedKey<8> message_key(MessageId id);
FixedKey<10> body_key(MessageId id, std::uint16_t chunk);
FixedKey<12> recipient_key(const RecipientKey& key);
FixedKey<16> event_key(MessageId id, std::uint64_t sequence);

std::string note_key(NoteKind kind, std::string_view key);

// nullopt: the length is wrong, or the shard or the id out of range.
std::optional<MessageId> parse_message_key(std::string_view bytes);
std::optional<std::pair<MessageId, std::uint16_t>> parse_body_key(std::string_view bytes);
std::optional<RecipientKey> parse_recipient_key(std::string_view bytes);

// A chunk count, as the value of an "end/" key.
FixedKey<2> chunks_value(std::uint16_t chunks);
std::optional<std::uint16_t> parse_chunks_value(std::string_view bytes);

// The "default" column family. A prefix is followed by the bytes of another key.
inline constexpr std::string_view kSchemaKey = "schema";
inline constexpr std::string_view kEpochKey = "epoch";
inline constexpr std::string_view kLastIdKey = "last_id";
inline constexpr std::string_view kArrivingPrefix = "rx/";
inline constexpr std::string_view kEndedPrefix = "end/";
inline constexpr std::string_view kCorruptRecipientPrefix = "corrupt/rcpt/";
inline constexpr std::string_view kCorruptMessagePrefix = "corrupt/msg/";

std::string prefixed(std::string_view prefix, std::string_view key);

}  // namespace posthaste::queue
