// Record: the bytes of one stored value, and back. The format is docs/queue-format.md.
//
// Threads      pure functions.
// Limits       what is stored was within limits when it was made; decoding trusts no length, no
//              count and no version, and allocates no more than it was given.
// Does not     know keys, column families or RocksDB.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/ids.h"
#include "lib/base/result.h"
#include "lib/mail/envelope.h"
#include "lib/mail/history.h"
#include "lib/mail/pending.h"

namespace posthaste::queue {

// What a recipient's record repeats of its message, so that the end of a lone recipient is the end
// of its message without another look-up.
struct MessageSize {
  std::uint16_t recipients_total = 0;
  std::uint16_t body_chunks = 0;
  friend bool operator==(const MessageSize&, const MessageSize&) = default;
};

struct NoteRecord {
  Instant expires;
  std::string value;
};

struct RecipientRecord {
  mail::PendingRecipient pending;
  MessageSize message;
};

// The encoders append to `out`, so that one buffer serves a whole batch.
void encode_envelope(const mail::Envelope& envelope, std::string& out);
void encode_recipient(const mail::PendingRecipient& pending, MessageSize message, std::string& out);
void encode_history(std::span<const mail::HistoryEvent> events, std::string& out);
void encode_note(Instant expires, std::string_view value, std::string& out);

// Error of all of them: kCorrupt.
Result<mail::Envelope> decode_envelope(MessageId id, std::string_view bytes);
Result<RecipientRecord> decode_recipient(ShardId shard, std::uint16_t number,
                                         std::string_view bytes);
// Appends to `out`; on error what was appended before stays.
Status decode_history(std::string_view bytes, std::vector<mail::HistoryEvent>& out);
Result<NoteRecord> decode_note(std::string_view bytes);

}  // namespace posthaste::queue
