// Transaction: one commit: the requests become one WriteBatch and changes of the ledger, and once
// it is known whether the batch was stored, answers.
//
//   begin() -> plan(request)… -> batch() is written by the caller -> stored() or refused()
//
// Lifetime     one store; reused from commit to commit, so that its buffers are.
// Threads      the store thread.
// Does not     write; load messages (see loader.h).
#pragma once

#include <rocksdb/write_batch.h>

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "queue/record.h"
#include "queue/rocks/database.h"
#include "queue/rocks/ledger.h"
#include "queue/rocks/note_book.h"
#include "queue/rocks/shard_scan.h"
#include "queue/rocks/shelf.h"
#include "queue/store.h"

namespace posthaste::queue {

class Transaction {
 public:
  Transaction(const Database& database, Ledger& ledger, const ShardScan& scan, Shelf& shelf,
              NoteBook& notes);

  // `room`: there is space for new mail. Without it Accept and Append are refused, fates are not.
  void begin(bool room);
  void plan(const Request& request);
  // Adds what concerns the commit as a whole. What it returns is to be written unless it is empty.
  rocksdb::WriteBatch& finish();
  // Whether it holds an acceptance, a fate or a note with a ticket, and so has to be synced.
  bool durable() const { return durable_; }

  // Answer all requests that have an answer, but Load, in their order; take out of them what the
  // answers need.
  void stored(std::span<Request> requests, const std::function<bool(ShardId)>& owned,
              std::vector<StoreEvent>& out);
  void refused(std::span<Request> requests, const Error& error, std::vector<StoreEvent>& out);

 private:
  // What became of one request in the plan.
  struct Plan {
    bool refused = false;
    bool full = false;
    bool counts = false;          // Settle: some fate was applied, or there was none to apply
    std::optional<Error> unread;  // Settle: nothing of it was applied
    std::vector<std::uint16_t> superseded;  // Settle: places in its fates
  };
  // A recipient as it is at this point of the batch.
  struct Stored {
    std::uint32_t revision = 0;
    MessageSize message;
    std::optional<mail::PendingRecipient> pending;  // as far as it was asked for or had to be read
  };

  void plan_append(const Append& append, Plan& plan);
  void plan_abandon(MessageId id);
  void plan_accept(const Accept& accept, Plan& plan);
  void plan_settle(const Settle& settle, Plan& plan);

  bool store(const Accept& accept);
  void store_chunk(MessageId id, std::size_t chunk, const mail::Chunk& bytes);
  void store_recipients(const Accept& accept);
  void store_history(MessageId id, std::span<const mail::HistoryEvent> events);

  Status fetch(const Settle& settle);
  Status fetch(const RecipientKey& key, bool whole);
  bool give_fate(const RecipientKey& key, const Fate& fate);
  std::optional<Stored> look_up(const RecipientKey& key);
  std::optional<Stored> decode(const RecipientKey& key, std::string_view value);
  void defer(const RecipientKey& key, Stored stored, const mail::Progress& progress);
  void end(const RecipientKey& key, const Stored& stored);
  void end_one_of_many(const RecipientKey& key, const Stored& stored);

  void answer_settle(Settle& settle, const Plan& plan, const std::function<bool(ShardId)>& owned,
                     std::vector<StoreEvent>& out);

  const Database& database_;
  Ledger& ledger_;
  const ShardScan& scan_;
  Shelf& shelf_;
  NoteBook& notes_;

  bool room_ = true;
  bool durable_ = false;
  std::uint64_t next_event_ = 0;  // sequence in event keys
  rocksdb::WriteBatch batch_;
  std::vector<Plan> plans_;
  // Recipients as they are at this point of the batch, as far as they were read or changed: the
  // record, or nullopt when there is none.
  std::unordered_map<RecipientKey, std::optional<std::string>> known_;
  std::string scratch_;
};

}  // namespace posthaste::queue
