// QueueWalk: goes through the recipients in the store that a filter means, in the order of their
// keys.
//
// Lifetime     one look at the queue, which may be made in steps; what it is made with outlives it.
// Threads      one at a time, that may wait for the disk.
// Limits       kRecordsPerRead at a time in memory.
// Does not     hold a snapshot: mail comes and goes meanwhile.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "daemon/admin_queue_filter.h"
#include "queue/store.h"

namespace posthaste::daemon {

struct QueueLine {
  queue::ListedRecipient listed;
  std::shared_ptr<const mail::Envelope> envelope;  // null: was not wanted, or ended meanwhile
  QueueFilter::State state = QueueFilter::State::kAny;
};

struct QueueLook {
  QueueFilter filter;
  Stopped stopped;
  Instant now;
  bool envelopes = true;  // false: read only where the filter asks for them
};

class QueueWalk {
 public:
  // False: enough; the walk is to go on with this very line.
  using Visit = std::function<bool(QueueLine&& line)>;

  QueueWalk(const queue::Store& store, const QueueLook& look, queue::ListCursor from = {});

  // Looks at about `records` of them. Error: the store's, or kBusy when it was asked to stop.
  Status go(std::size_t records, const std::stop_token& stop, const Visit& visit);
  // Where it goes on; nullopt: it has come to the end.
  const std::optional<queue::ListCursor>& cursor() const { return cursor_; }
  // Records looked at.
  std::uint64_t scanned() const { return scanned_; }

 private:
  static constexpr std::size_t kRecordsPerRead = 500;

  void skip_shards();
  bool wants_envelope() const;
  Result<std::shared_ptr<const mail::Envelope>> envelope_of(MessageId id);
  Result<bool> look_at(queue::ListedRecipient&& listed, const Visit& visit);

  const queue::Store& store_;
  const QueueLook& look_;
  std::vector<ShardId> shards_;  // sorted; empty: all
  std::optional<queue::ListCursor> cursor_;
  std::uint64_t scanned_ = 0;
  // The envelope read last: the recipients of a message follow each other.
  std::optional<MessageId> envelope_id_;
  std::shared_ptr<const mail::Envelope> envelope_;
};

// Of a thread that reads for the admin: it was asked to stop.
tl::unexpected<Error> reading_stopped();

}  // namespace posthaste::daemon
