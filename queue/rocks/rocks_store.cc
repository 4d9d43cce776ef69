#include "queue/rocks/rocks_store.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <utility>

#include "queue/letters.h"
#include "queue/rocks/checkpoint.h"
#include "queue/rocks/database.h"
#include "queue/rocks/keys.h"
#include "queue/rocks/ledger.h"
#include "queue/rocks/loader.h"
#include "queue/rocks/note_book.h"
#include "queue/rocks/room.h"
#include "queue/rocks/shard_scan.h"
#include "queue/rocks/shelf.h"
#include "queue/rocks/startup.h"
#include "queue/rocks/transaction.h"

namespace posthaste::queue {
namespace {

using Clock = std::chrono::steady_clock;

// The first id of the first millisecond that begins at `instant` or after it.
MessageId first_id_from(Instant instant) {
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(instant.time_since_epoch()).count();
  constexpr std::int64_t kMillisecondsMax = (std::int64_t{1} << 41) - 1;
  return MessageId{static_cast<std::uint64_t>(std::clamp<std::int64_t>(ms, 0, kMillisecondsMax))
                   << 22};
}

// Counted by the store thread, read by any.
struct Counters {
  std::atomic<std::uint64_t> commits{0};
  std::atomic<std::uint64_t> syncs{0};
  std::atomic<std::uint64_t> failures{0};
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<Duration::rep> last_sync{0};
  std::atomic<bool> trouble{false};
  std::atomic<bool> stuck{false};
  std::atomic<std::uint64_t> tracked{0};
  std::atomic<std::uint64_t> tracked_bytes{0};
};

}  // namespace

struct RocksStore::Parts {
  Parts(RocksOptions given, std::unique_ptr<Database> open, Ledger begun, std::uint64_t now)
      : options(std::move(given)),
        database(std::move(open)),
        ledger(std::move(begun)),
        epoch(now) {}

  rocksdb::Status write();
  rocksdb::Status refuse(rocksdb::Status why);
  bool has_excuse(const rocksdb::Status& refused) const;
  rocksdb::Status why_stuck(const rocksdb::Status& refused);
  void find_out_if_stuck(const rocksdb::Status& refused);
  void count_tracked();
  void announce(std::vector<StoreEvent>& out);

  const RocksOptions options;
  const std::unique_ptr<Database> database;
  Ledger ledger;
  const std::uint64_t epoch;
  Shelf shelf{*database, options.log};
  ShardScan scan{*database, ledger, shelf, options.reread_after};
  NoteBook notes{*database, shelf};
  Transaction transaction{*database, ledger, scan, shelf, notes};
  Loader loader{*database, scan, shelf};
  Room room{*database, options};
  Counters counters;

  bool announced = false;
  std::array<bool, kShards> released{};
  const std::function<bool(ShardId)> owned = [this](ShardId shard) { return !released[shard]; };
  Clock::time_point no_excuse_since;  // while `trouble`
};

RocksStore::RocksStore(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
RocksStore::~RocksStore() = default;

Result<std::unique_ptr<RocksStore>> RocksStore::open(RocksOptions options) {
  Result<std::unique_ptr<Database>> database = Database::open(options);
  if (!database) return tl::unexpected(std::move(database.error()));
  Ledger ledger;
  const Result<std::uint64_t> epoch = start_up(**database, options, ledger);
  if (!epoch) return tl::unexpected(epoch.error());
  auto parts =
      std::make_unique<Parts>(std::move(options), std::move(*database), std::move(ledger), *epoch);
  return std::unique_ptr<RocksStore>(new RocksStore(std::move(parts)));
}

bool RocksStore::commit(std::span<Request> batch, std::vector<StoreEvent>& out) {
  Parts& parts = *parts_;
  repeat_envelopes(batch);
  parts.announce(out);
  parts.transaction.begin(parts.room.look());
  for (const Request& request : batch) {
    parts.transaction.plan(request);
    if (const auto* release = std::get_if<Release>(&request)) {
      if (release->shard < kShards) parts.released[release->shard] = true;
    }
  }
  const rocksdb::Status status = parts.write();
  if (status.ok()) {
    parts.transaction.stored(batch, parts.owned, out);
  } else {
    parts.transaction.refused(batch, to_error(status, "writing to the queue"), out);
  }
  for (const Request& request : batch) {
    if (const auto* load = std::get_if<Load>(&request)) out.push_back(parts.loader.load(*load));
  }
  parts.count_tracked();
  return status.ok();
}

void RocksStore::Parts::count_tracked() {
  counters.tracked = ledger.tracked();
  counters.tracked_bytes = ledger.tracked_bytes();
}

void RocksStore::Parts::announce(std::vector<StoreEvent>& out) {
  if (std::exchange(announced, true)) return;
  for (ShardId shard = 0; shard < kShards; ++shard) out.push_back(Gained{shard, epoch});
}

rocksdb::Status RocksStore::Parts::refuse(rocksdb::Status why) {
  if (!counters.trouble.exchange(true)) no_excuse_since = Clock::now();
  ++counters.failures;
  return why;
}

rocksdb::Status RocksStore::Parts::write() {
  rocksdb::WriteBatch& batch = transaction.finish();
  if (batch.Count() == 0) return rocksdb::Status::OK();
  if (!room.has_for(batch.GetDataSize())) {
    return refuse(rocksdb::Status::NoSpace("the disk of the queue is full"));
  }
  rocksdb::WriteOptions how;
  how.sync = options.sync && transaction.durable();
  const Clock::time_point begun = Clock::now();
  const rocksdb::Status status = database->write(how, batch);
  if (!status.ok()) {
    if (status.IsNoSpace()) room.make_some();
    refuse(status);
    find_out_if_stuck(status);
    return status;
  }
  counters.trouble = false;
  ++counters.commits;
  counters.bytes += batch.GetDataSize();
  if (how.sync) {
    ++counters.syncs;
    counters.last_sync = std::chrono::duration_cast<Duration>(Clock::now() - begun).count();
  }
  return status;
}

// A stall, or tables that are being written out, which may take long on a slow disk.
bool RocksStore::Parts::has_excuse(const rocksdb::Status& refused) const {
  std::uint64_t flushes = 0;
  database->db().GetAggregatedIntProperty(rocksdb::DB::Properties::kNumRunningFlushes, &flushes);
  return refused.IsIncomplete() || flushes > 0;
}

// RocksDB recovers by itself from a full disk, but not from every error that may pass. When its log
// could not be written or synced it goes on with a new one or not at all: nobody can tell what a
// disk holds that failed to sync. Where it would go on with the same one, we do not.
//
// It is not asked to go on (DB::Resume): that waits, while the disk is full, for a compaction that
// is tried again and again.
rocksdb::Status RocksStore::Parts::why_stuck(const rocksdb::Status& refused) {
  const rocksdb::Status stopped = database->stopped_by();
  if (stopped.severity() >= rocksdb::Status::kFatalError) return stopped;
  const rocksdb::Status same_log = database->newest_log_failure();
  if (stopped.ok() && !same_log.ok()) return same_log;
  const Clock::time_point now = Clock::now();
  if (has_excuse(refused)) no_excuse_since = now;
  const auto waited = std::min(now - no_excuse_since, room.enough_for());
  return waited >= options.stuck_after ? refused : rocksdb::Status::OK();
}

void RocksStore::Parts::find_out_if_stuck(const rocksdb::Status& refused) {
  const rocksdb::Status why = why_stuck(refused);
  if (why.ok() || counters.stuck.exchange(true) || !options.log) return;
  options.log(LogLevel::kError,
              "the queue takes nothing any more until it is opened anew: " + why.ToString());
}

bool RocksStore::gain(std::size_t records, std::vector<StoreEvent>& out) {
  parts_->announce(out);
  const bool more = parts_->scan.read(records, parts_->owned, out);
  parts_->count_tracked();
  return more;
}

MessageId RocksStore::last_id() const { return parts_->ledger.last_id(); }

// From the first id each time: a message that waits long gains events after those before them were
// pruned.
Status RocksStore::prune_history(Instant before) {
  const auto first = message_key(MessageId{});
  const auto last = message_key(first_id_from(before));
  const Database& database = *parts_->database;
  rocksdb::WriteBatch batch;
  rocksdb::Status status =
      batch.DeleteRange(database.family(Family::kEvent), slice(first.view()), slice(last.view()));
  if (status.ok()) status = database.write(rocksdb::WriteOptions(), batch);
  if (!status.ok()) return tl::unexpected(to_error(status, "pruning the history"));
  return {};
}

// What was removed is in the log and in memory until a memtable is full, which may take for ever
// when a backlog has drained and little new mail comes; and what it removes is on the disk until
// then. Written out, removals are merged with what they remove (deletion_collector.h). Of mail that
// came and went since, nothing is written.
void RocksStore::give_back_room() {
  constexpr std::uint64_t kEntriesMin = 1000;
  const Database& database = *parts_->database;
  std::uint64_t entries = 0;
  const bool known = database.db().GetIntProperty(
      database.family(Family::kBody), rocksdb::DB::Properties::kNumEntriesActiveMemTable, &entries);
  if (known && entries >= kEntriesMin && !parts_->room.full()) parts_->room.empty_memtables();
}

Status RocksStore::prune_notes(Instant now) { return parts_->notes.prune(now); }

Status RocksStore::notes(NoteKind kind, Instant now, const NoteVisit& visit) const {
  return parts_->notes.visit(kind, now, visit);
}

Result<mail::Chunk> RocksStore::body_chunk(MessageId id, std::uint16_t chunk) const {
  return parts_->loader.body_chunk(id, chunk);
}

Result<std::vector<mail::HistoryEvent>> RocksStore::history(MessageId id) const {
  return parts_->loader.history(id);
}

Result<mail::Envelope> RocksStore::envelope(MessageId id) const {
  return parts_->loader.envelope(id);
}

Result<std::optional<ListCursor>> RocksStore::list(ListCursor cursor, std::size_t limit,
                                                   std::vector<ListedRecipient>& out) const {
  return parts_->loader.list(cursor, limit, out);
}

Status RocksStore::checkpoint(const std::string& directory) const {
  return make_checkpoint(*parts_->database, directory);
}

RocksStats RocksStore::stats() const {
  const Counters& now = parts_->counters;
  return RocksStats{.commits = now.commits,
                    .syncs = now.syncs,
                    .failures = now.failures,
                    .bytes = now.bytes,
                    .corrupt = parts_->shelf.count(),
                    .last_sync = Duration(now.last_sync),
                    .free_space = parts_->room.free_space(),
                    .full = parts_->room.full(),
                    .trouble = now.trouble,
                    .stuck = now.stuck,
                    .tracked = now.tracked,
                    .tracked_bytes = now.tracked_bytes};
}

}  // namespace posthaste::queue
