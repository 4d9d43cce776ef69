// ShardScan: reads every recipient that was there when the queue was opened, once, shard by shard,
// in slices between commits: the schedule is rebuilt of it, and the recipients of each message are
// counted.
//
// Each slice sees the queue as it is then. A recipient that ended before the scan came to it is not
// counted and not reported; one that ends later has been counted. passed() tells which.
//
// What the disk does not give is asked for again, each time after twice the pause. Then the scan
// goes on behind it, and what it left out waits for the next start.
//
// Lifetime     one store. Threads: the store thread.
// Limits       kRereads at one place.
// Does not     report what was accepted since: those ids are above `last_at_open`, and come as
//              Arrived.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "queue/rocks/database.h"
#include "queue/rocks/ledger.h"
#include "queue/rocks/shelf.h"
#include "queue/store.h"

namespace posthaste::queue {

class ShardScan {
 public:
  static constexpr int kRereads = 6;  // with the pauses of RocksOptions: some six seconds

  ShardScan(const Database& database, Ledger& ledger, Shelf& shelf, Duration reread_after);

  // As Store::gain(). `owned`: shards that events may still name.
  bool read(std::size_t records, const std::function<bool(ShardId)>& owned,
            std::vector<StoreEvent>& out);

  // Whether the scan has the message to count, or had.
  bool concerns(MessageId id) const { return id <= last_at_open_; }
  // Whether the scan has come by. REQUIRES concerns(key.id).
  bool passed(const RecipientKey& key) const { return done_ || key < cursor_; }
  // A recipient was set aside by somebody else. It keeps its message, whether the scan has counted
  // it or not.
  void note_shelved(const RecipientKey& key) const;
  // Whether the counts of all messages that it concerns are final and right.
  bool complete() const { return done_ && sound_; }

 private:
  using Clock = std::chrono::steady_clock;

  void take(const RecipientKey& key, std::string_view value, bool owned,
            std::vector<StoreEvent>& out);
  void finish_shard(const std::function<bool(ShardId)>& owned, std::vector<StoreEvent>& out);
  bool try_later(const rocksdb::Status& status);
  void leap(const rocksdb::Status& status);
  bool readable_from(MessageId id) const;
  void remove_ended();
  void write(rocksdb::WriteBatch& batch);

  const Database& database_;
  Ledger& ledger_;
  Shelf& shelf_;
  const Duration reread_after_;
  const MessageId last_at_open_;
  RecipientKey cursor_;                // what is read next
  int failures_ = 0;                   // one after the other, at the cursor
  Clock::time_point blocked_until_{};  // after a failure
  bool done_ = false;
  bool sound_ = true;              // nothing that could be a recipient was unreadable
  rocksdb::WriteBatch set_aside_;  // of the present slice
};

}  // namespace posthaste::queue
