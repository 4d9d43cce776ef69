// Store: the durable queue, and who owns which part of it.
//
// A process start is "gain every shard": what a crash left, and what another machine would leave,
// come back the same way, as Entry events. On one machine nothing is ever lost to somebody else.
//
// Durability   when commit() returns, everything it answered Accepted, Settled or Kept survives a
//              power cut (docs/durability.md); an Append alone survives nothing until its Accept.
// Threads      commit(), gain(), prune_…() and last_id() from one thread (the store thread).
//              list(), history(), envelope(), body_chunk(), notes() and checkpoint() from any.
// Errors       a commit that the disk refuses answers Refused / NotSettled / NotKept for each
//              request; nothing of the batch is then visible. NotSettled is to be repeated by the
//              caller: fates are never dropped.
// Does not     schedule, parse mail, know SMTP.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/base/ids.h"
#include "lib/base/result.h"
#include "lib/base/time.h"
#include "lib/mail/envelope.h"
#include "lib/mail/history.h"
#include "lib/mail/pending.h"
#include "queue/note.h"
#include "queue/request.h"
#include "queue/store_event.h"

namespace posthaste::queue {

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

  // True: it takes nothing any more, and will not until it is opened anew.
  virtual bool stuck() const { return false; }

  // Deletes history of messages that arrived before `before`. Cheap.
  virtual Status prune_history(Instant before) = 0;
  // Deletes notes that have expired, some of them at each call, so that a call is cheap.
  virtual Status prune_notes(Instant now) = 0;
  // Begins to give back the room of what was removed, where nothing else would soon. Cheap; to be
  // called every few minutes.
  virtual void give_back_room() {}

  virtual Result<mail::Chunk> body_chunk(MessageId id, std::uint16_t chunk) const = 0;
  // All events of a message, oldest first; kNotFound when nothing is known of it.
  virtual Result<std::vector<mail::HistoryEvent>> history(MessageId id) const = 0;
  virtual Result<mail::Envelope> envelope(MessageId id) const = 0;
  // At most `limit` recipients from `cursor` on, in key order, and where to go on (nullopt: all).
  virtual Result<std::optional<ListCursor>> list(ListCursor cursor, std::size_t limit,
                                                 std::vector<ListedRecipient>& out) const = 0;
  // All notes of a kind that have not expired, by key.
  virtual Status notes(NoteKind kind, Instant now, const NoteVisit& visit) const = 0;

  // Makes `directory`, which must not exist yet, a copy of the queue as it is at one instant, to
  // be opened as a queue or inspected; writing goes on meanwhile. Nothing is left of a copy that
  // failed. Takes as long as the copying, where the directory lies on another file system.
  virtual Status checkpoint(const std::string& directory) const {
    return fail(ErrorCode::kUnsupported, "this kind of queue makes no copy in " + directory);
  }
};

}  // namespace posthaste::queue

template <>
struct std::hash<posthaste::queue::RecipientKey> {
  std::size_t operator()(const posthaste::queue::RecipientKey& key) const noexcept {
    const std::uint64_t place = std::uint64_t{key.shard} << 16 | key.number;
    return std::hash<posthaste::MessageId>{}(key.id) ^ place;
  }
};
