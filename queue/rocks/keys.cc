#include "queue/rocks/keys.h"

namespace posthaste::queue {
namespace {

template <typename Unsigned>
char* put_big_endian(char* at, Unsigned value) {
  for (std::size_t i = sizeof(Unsigned); i-- > 0;) {
    *at++ = static_cast<char>(static_cast<std::uint8_t>(value >> (8 * i)));
  }
  return at;
}

template <typename Unsigned>
Unsigned get_big_endian(std::string_view bytes, std::size_t from) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(Unsigned); ++i) {
    value = value << 8 | static_cast<std::uint8_t>(bytes[from + i]);
  }
  return static_cast<Unsigned>(value);
}

}  // namespace

FixedKey<8> message_key(MessageId id) {
  FixedKey<8> key;
  put_big_endian(key.bytes.data(), id.value);
  return key;
}

FixedKey<10> body_key(MessageId id, std::uint16_t chunk) {
  FixedKey<10> key;
  put_big_endian(put_big_endian(key.bytes.data(), id.value), chunk);
  return key;
}

FixedKey<12> recipient_key(const RecipientKey& recipient) {
  FixedKey<12> key;
  char* at = put_big_endian(key.bytes.data(), recipient.shard);
  at = put_big_endian(at, recipient.id.value);
  put_big_endian(at, recipient.number);
  return key;
}

FixedKey<16> event_key(MessageId id, std::uint64_t sequence) {
  FixedKey<16> key;
  put_big_endian(put_big_endian(key.bytes.data(), id.value), sequence);
  return key;
}

std::string note_key(NoteKind kind, std::string_view key) {
  std::string whole(1, static_cast<char>(kind));
  whole.append(key);
  return whole;
}

std::optional<MessageId> parse_message_key(std::string_view bytes) {
  if (bytes.size() != 8) return std::nullopt;
  const MessageId id{get_big_endian<std::uint64_t>(bytes, 0)};
  if (id.value >> 63 != 0) return std::nullopt;
  return id;
}

std::optional<std::pair<MessageId, std::uint16_t>> parse_body_key(std::string_view bytes) {
  if (bytes.size() != 10) return std::nullopt;
  const std::optional<MessageId> id = parse_message_key(bytes.substr(0, 8));
  if (!id) return std::nullopt;
  return std::pair(*id, get_big_endian<std::uint16_t>(bytes, 8));
}

std::optional<RecipientKey> parse_recipient_key(std::string_view bytes) {
  if (bytes.size() != 12) return std::nullopt;
  const RecipientKey key{get_big_endian<std::uint16_t>(bytes, 0),
                         MessageId{get_big_endian<std::uint64_t>(bytes, 2)},
                         get_big_endian<std::uint16_t>(bytes, 10)};
  if (key.shard >= kShards || key.id.value >> 63 != 0) return std::nullopt;
  return key;
}

FixedKey<2> chunks_value(std::uint16_t chunks) {
  FixedKey<2> value;
  put_big_endian(value.bytes.data(), chunks);
  return value;
}

std::optional<std::uint16_t> parse_chunks_value(std::string_view bytes) {
  if (bytes.size() != 2) return std::nullopt;
  return get_big_endian<std::uint16_t>(bytes, 0);
}

std::string prefixed(std::string_view prefix, std::string_view key) {
  std::string joined(prefix);
  joined.append(key);
  return joined;
}

}  // namespace posthaste::queue
