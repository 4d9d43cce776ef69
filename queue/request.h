// Request: what a store is asked to write or to read back.
//
// Does not     say what is answered. See store_event.h, and store.h for the whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "lib/base/ids.h"
#include "lib/mail/envelope.h"
#include "lib/mail/history.h"
#include "lib/mail/pending.h"
#include "queue/note.h"

namespace posthaste::queue {

// Streams a chunk of a message that is still arriving. Chunks come in order, from 0. Has no answer
// but Refused{ticket 0}, which ends the message: what came before is forgotten, what comes after
// refused too. One that does not follow the one before is refused.
struct Append {
  MessageId id;
  std::uint16_t chunk = 0;
  mail::Chunk bytes;
};
// Forgets the chunks of a message that will not come to an end. No answer; harmless for an unknown
// message.
struct Abandon {
  MessageId id;
};
// Makes a message durable: envelope, last chunk, recipients, the "accepted" event. Answered by
// Accepted and one Arrived for each shard, or by Refused, which ends the message as above.
//
// REQUIRES an id above last_id() at open that was never used, at least one recipient, chunks of at
// most kChunkBytesMax. The recipients get the envelope's wish about TLS and its priority.
struct Accept {
  std::uint64_t ticket = 0;  // echoed in the answer
  std::shared_ptr<const mail::Envelope> envelope;
  std::vector<mail::PendingRecipient> recipients;  // with shard; revision 0
  std::vector<mail::Chunk> chunks;  // those that were not appended before; usually one
  std::optional<mail::HistoryEvent> history;
};

enum class FateKind : std::uint8_t {
  kDelivered,
  kDeferred,
  kBounced,  // ended undelivered, told or not
};
struct Fate {
  std::uint16_t number = 0;
  FateKind kind = FateKind::kDelivered;
  std::uint32_t revision = 0;  // that the fate was decided on; kDelivered wins over any
  mail::Progress progress;     // kDeferred: what to store, revision already counted up
};
// Gives recipients of one message and shard their fates. When the last recipient of a message has
// ended, its envelope and body go in the same write. `dsn` is accepted in that write too: Arrived
// comes of it, and Accepted if its ticket is not 0. Answered by Settled or Superseded or both (a
// Settle without fates: Settled), or NotSettled. When every fate is superseded, `dsn` and `history`
// are not stored: so a Settle may be repeated.
//
// REQUIRES that the message's Arrived or Entry was reported before: not in the batch that accepts
// it.
struct Settle {
  ShardId shard = 0;
  MessageId id;
  std::vector<Fate> fates;
  std::optional<Accept> dsn;
  std::vector<mail::HistoryEvent> history;
};
// Reads envelope and the named recipients, and the first body chunks that fit in `body_bytes_max`
// (the rest by body_chunk()). Sees what the whole batch did. Recipients that are gone are left out;
// all gone: kNotFound.
struct Load {
  std::uint64_t ticket = 0;
  ShardId shard = 0;
  MessageId id;
  std::vector<std::uint16_t> numbers;
  std::size_t body_bytes_max = 0;
};
// Gives up a shard (shutdown, or another machine takes over). Answered by Lost; after that no event
// names it unless it answers a request that does.
struct Release {
  ShardId shard = 0;
};
using Request = std::variant<Append, Abandon, Accept, Settle, Load, Release, Keep, DropNote>;

}  // namespace posthaste::queue
