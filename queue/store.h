// Store: the durable queue, and who owns which part of it.
//
// A process start is "gain every shard": what a crash left, and what another machine would leave,
// come back the same way, as Entry events. On one machine nothing is ever lost to somebody else.
//
// Durability   when commit() returns, everything it answered Accepted or Settled survives a power
//              cut (docs/durability.md); an Append alone survives nothing until its Accept.
// Threads      commit(), gain(), prune_…() and last_id() from one thread (the store thread).
//              list(), history(), envelope(), body_chunk() and notes() from any thread.
// Errors       a commit that the disk refuses answers Refused / NotSettled for each request;
//              nothing of the batch is then visible. NotSettled is to be repeated by the caller:
//              fates are never dropped.
// Does not     schedule, parse mail, know SMTP.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "lib/base/ids.h"
#include "lib/base/result.h"
#include "lib/base/time.h"
#include "lib/mail/envelope.h"
#include "lib/mail/history.h"
#include "lib/mail/pending.h"
#include "queue/note.h"

namespace posthaste::queue {

// ---- requests -----------------------------------------------------------------------------------
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
// most kChunkBytesMax. The recipients get the envelope's wish about TLS.
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

// ---- events -------------------------------------------------------------------------------------
struct Accepted {
  std::uint64_t ticket;
  MessageId id;
};
struct Refused {
  std::uint64_t ticket;
  MessageId id;
  bool full;
  std::string words;
};
// `applied`: the fates that counted, as they were asked for.
struct Settled {
  ShardId shard;
  MessageId id;
  std::vector<Fate> applied;
};
// The fates whose revision was no longer the stored one, or whose recipient is gone; nothing was
// changed for them.
struct Superseded {
  ShardId shard;
  MessageId id;
  std::vector<std::uint16_t> numbers;
};
// Handed back, to be repeated. When commit() returns true all the same: the recipients could not be
// read for now, and only this one was not stored.
struct NotSettled {
  Settle request;
  bool full;
  std::string words;
};
struct Loaded {
  std::uint64_t ticket;
  MessageId id;
  std::shared_ptr<mail::Letter> letter;
};
struct NotLoaded {
  std::uint64_t ticket;
  ShardId shard;
  MessageId id;
  Error error;
};  // kNotFound; kCorrupt: was set aside, will not come again; kIo: may be read another time
struct Gained {
  ShardId shard;
  std::uint64_t epoch;
};
struct Entry {
  ShardId shard;
  MessageId id;
  std::uint16_t number;
  std::uint32_t revision;
  std::uint32_t attempts;
  Instant due;
  RoutingDomain domain;
  std::string retry_class;
  mail::TlsWish tls_wish = mail::TlsWish::kPolicy;
  std::int8_t priority = 0;
  bool held = false;
};
struct GainedAll {
  ShardId shard;
};
// A message's recipients of one shard, accepted after the shard was gained. Shares what Accept was
// given; the body is empty when a part of it was appended before.
struct Arrived {
  ShardId shard;
  std::shared_ptr<mail::Letter> letter;
};
// They answer a Keep or DropNote with a ticket. Kept: it survives a power cut.
struct Kept {
  std::uint64_t ticket;
};
struct NotKept {
  std::uint64_t ticket;
  std::string words;
};
struct Losing {
  ShardId shard;
  Instant until;
};
struct Lost {
  ShardId shard;
};
using StoreEvent =
    std::variant<Accepted, Refused, Settled, Superseded, NotSettled, Loaded, NotLoaded, Gained,
                 Entry, GainedAll, Arrived, Kept, NotKept, Losing, Lost>;

// One recipient as list() shows it.
struct ListedRecipient {
  MessageId id;
  mail::PendingRecipient pending;
};
// Names a recipient in the queue; sorts as listings do.
struct RecipientKey {
  ShardId shard = 0;
  MessageId id;
  std::uint16_t number = 0;
  friend auto operator<=>(const RecipientKey&, const RecipientKey&) = default;
};
// Where a listing goes on. Default: from the start.
using ListCursor = RecipientKey;

class Store {
 public:
  virtual ~Store() = default;

  // Applies the requests in their order as one durable write, then appends what it has to say. The
  // first call of this or of gain() says Gained for every shard before anything else. False: the
  // disk refused the batch, and nothing of it was stored; requests without an answer are still as
  // they were.
  virtual bool commit(std::span<Request> batch, std::vector<StoreEvent>& out) = 0;

  // Goes on gaining shards: reads at most `records` and appends Gained, Entry, GainedAll. What was
  // accepted since the store was opened comes as Arrived only, never as Entry too. Returns false
  // when all are gained.
  virtual bool gain(std::size_t records, std::vector<StoreEvent>& out) = 0;

  // Until when a final dot may be sent for messages of our shards. One machine: kNever.
  virtual Instant final_dot_deadline() const { return kNever; }

  // No id at or below it may be given to a new message: at least the highest id ever accepted.
  virtual MessageId last_id() const = 0;

  // Records that could not be read since the store was opened; they were set aside. Any thread.
  virtual std::uint64_t corrupt_records() const { return 0; }

  // Deletes history of messages that arrived before `before`. Cheap.
  virtual Status prune_history(Instant before) = 0;
  // Deletes notes that have expired, some of them at each call, so that a call is cheap.
  virtual Status prune_notes(Instant now) = 0;

  virtual Result<mail::Chunk> body_chunk(MessageId id, std::uint16_t chunk) const = 0;
  // All events of a message, oldest first; kNotFound when nothing is known of it.
  virtual Result<std::vector<mail::HistoryEvent>> history(MessageId id) const = 0;
  virtual Result<mail::Envelope> envelope(MessageId id) const = 0;
  // At most `limit` recipients from `cursor` on, in key order, and where to go on (nullopt: all).
  virtual Result<std::optional<ListCursor>> list(ListCursor cursor, std::size_t limit,
                                                 std::vector<ListedRecipient>& out) const = 0;
  // All notes of a kind that have not expired, by key.
  virtual Status notes(NoteKind kind, Instant now, const NoteVisit& visit) const = 0;
};

}  // namespace posthaste::queue

template <>
struct std::hash<posthaste::queue::RecipientKey> {
  std::size_t operator()(const posthaste::queue::RecipientKey& key) const noexcept {
    const std::uint64_t place = std::uint64_t{key.shard} << 16 | key.number;
    return std::hash<posthaste::MessageId>{}(key.id) ^ place;
  }
};
