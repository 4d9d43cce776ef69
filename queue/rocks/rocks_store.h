// RocksStore: the Store of one machine: one RocksDB database, one write-ahead log, one sync for
// each commit.
//
// Lifetime     from open() to destruction; closing writes nothing that a kill would not have left.
// Threads      as Store says. stats() from any thread. Options::log is called from any thread, also
//              RocksDB's own.
// Limits       memory: memtables as in RocksOptions, 32 MiB of block cache, and what
//              docs/queue-format.md says.
// Durability   docs/durability.md.
// Does not     make the directory; compact by hand. See docs/queue-format.md for
//              the bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/base/time.h"
#include "queue/store.h"

namespace rocksdb {
class Env;
}

namespace posthaste::queue {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError };
using LogFunction = std::function<void(LogLevel, std::string_view)>;

struct RocksOptions {
  std::string dir;  // exists already and belongs to the queue alone
  bool sync =
      true;  // false: a power cut may lose what was accepted last; a kill still loses nothing
  // Bytes. Below it new mail is refused, while fates are still stored.
  std::uint64_t min_free_space = std::uint64_t{2} << 30;
  // Bytes held in a file beside the database, for fates when the disk is full to its last byte all
  // the same; 0: none. RocksDB does not go on before there is room for a memtable of bodies.
  std::uint64_t ballast_bytes = std::uint64_t{128} << 20;
  // One memtable of bodies, of which there are at most four; and one of each other family, at most
  // three.
  std::size_t body_memtable_bytes = std::size_t{64} << 20;
  std::size_t record_memtable_bytes = std::size_t{16} << 20;
  // The write-ahead log is cut back beyond it; a start reads that much again.
  std::uint64_t wal_bytes_max = std::uint64_t{512} << 20;
  // How long RocksDB may refuse writes though there is room, before it counts as stuck. It tries to
  // go on every 5 s.
  Duration stuck_after = std::chrono::minutes(1);
  // When gain() cannot read on: until it tries again; twice as long each time.
  Duration reread_after = std::chrono::milliseconds(100);
  LogFunction log;  // may be empty
  // The operating system, as RocksDB sees it; null: the one that there is. Outlives the store.
  rocksdb::Env* env = nullptr;
};

struct RocksStats {
  std::uint64_t commits = 0;        // writes that were stored, synced or not
  std::uint64_t syncs = 0;          // of them, those that were synced
  std::uint64_t failures = 0;       // writes that the database refused
  std::uint64_t bytes = 0;          // handed to the write-ahead log
  std::uint64_t corrupt = 0;        // records that could not be read in this run
  Duration last_sync{};             // how long the latest synced write took
  std::uint64_t free_space = 0;     // bytes, at the latest look
  bool full = false;                // at the latest look: below min_free_space
  bool trouble = false;             // the latest write was refused by the database
  bool stuck = false;               // and will be until the queue is opened anew
  std::uint64_t tracked = 0;        // messages in the table in memory
  std::uint64_t tracked_bytes = 0;  // of that table
};

class RocksStore final : public Store {
 public:
  // Opens the queue in options.dir, or makes it there. Errors: kNotFound (no such directory), kIo,
  // kFull, kBusy (another process has it), kUnsupported (written by a newer version), kCorrupt.
  static Result<std::unique_ptr<RocksStore>> open(RocksOptions options);
  ~RocksStore() override;

  RocksStats stats() const;

  bool commit(std::span<Request> batch, std::vector<StoreEvent>& out) override;
  bool gain(std::size_t records, std::vector<StoreEvent>& out) override;
  MessageId last_id() const override;
  std::uint64_t corrupt_records() const override { return stats().corrupt; }
  bool stuck() const override { return stats().stuck; }
  Status prune_history(Instant before) override;
  Status prune_notes(Instant now) override;
  void give_back_room() override;
  Result<mail::Chunk> body_chunk(MessageId id, std::uint16_t chunk) const override;
  Result<std::vector<mail::HistoryEvent>> history(MessageId id) const override;
  Result<mail::Envelope> envelope(MessageId id) const override;
  Result<std::optional<ListCursor>> list(ListCursor cursor, std::size_t limit,
                                         std::vector<ListedRecipient>& out) const override;
  Status notes(NoteKind kind, Instant now, const NoteVisit& visit) const override;
  // Hard links on the same file system, but for the write-ahead log, which is copied. Errors:
  // kInvalid (no absolute path, or it is there already), kNotFound (its parent), kIo, kFull.
  Status checkpoint(const std::string& directory) const override;

 private:
  struct Parts;
  explicit RocksStore(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace posthaste::queue
