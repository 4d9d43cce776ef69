// ShardScan: reads every recipient that was there when the queue was opened, once, shard by shard,
// in slices between commits: the schedule is rebuilt of it, and the recipients of each message are
// counted.
//
// Each slice sees the queue as it is then. A recipient that ended before the scan came to it is not
// counted and not reported; one that ends later has been counted. passed() tells which.
//
// Lifetime     one store. Threads: the store thread.
// Does not     report what was accepted since: those ids are above `last_at_open`, and come as
//              Arrived.
#pragma once

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
  ShardScan(const Database& database, Ledger& ledger, Shelf& shelf);

  // As Store::gain(). `owned`: shards that events may still name.
  bool read(std::size_t records, const std::function<bool(ShardId)>& owned,
            std::vector<StoreEvent>& out);

  // Whether the scan has the message to count, or had.
  bool concerns(MessageId id) const { return id <= last_at_open_; }
  // Whether the scan has come by. REQUIRES concerns(key.id).
  bool passed(const RecipientKey& key) const { return done_ || key < cursor_; }
  // Whether the counts of all messages that it concerns are final and right.
  bool complete() const { return done_ && sound_; }

 private:
  void take(const RecipientKey& key, std::string_view value, bool owned,
            std::vector<StoreEvent>& out);
  void finish_shard(const std::function<bool(ShardId)>& owned, std::vector<StoreEvent>& out);
  void skip_unreadable(const rocksdb::Status& status);
  void remove_ended();
  void write(rocksdb::WriteBatch& batch);

  const Database& database_;
  Ledger& ledger_;
  Shelf& shelf_;
  const MessageId last_at_open_;
  RecipientKey cursor_;  // what is read next
  bool done_ = false;
  bool sound_ = true;              // nothing that could be a recipient was unreadable
  rocksdb::WriteBatch set_aside_;  // of the present slice
};

}  // namespace posthaste::queue
