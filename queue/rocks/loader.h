// Loader: reads messages back: for Load, and for whoever looks into the queue.
//
// Threads      load() from the store thread; the rest from any.
// Does not     change anything, but that load() sets aside what can never be loaded.
#pragma once

#include <optional>
#include <vector>

#include "queue/rocks/database.h"
#include "queue/rocks/shard_scan.h"
#include "queue/rocks/shelf.h"
#include "queue/store.h"

namespace posthaste::queue {

class Loader {
 public:
  Loader(const Database& database, const ShardScan& scan, Shelf& shelf)
      : database_(database), scan_(scan), shelf_(shelf) {}

  // Loaded or NotLoaded. kCorrupt: the recipients were set aside, and will not come again.
  StoreEvent load(const Load& load) const;

  // As the functions of Store of the same names.
  Result<mail::Chunk> body_chunk(MessageId id, std::uint16_t chunk) const;
  Result<std::vector<mail::HistoryEvent>> history(MessageId id) const;
  Result<mail::Envelope> envelope(MessageId id) const;
  Result<std::optional<ListCursor>> list(ListCursor cursor, std::size_t limit,
                                         std::vector<ListedRecipient>& out) const;

 private:
  void set_aside(const Load& load, const Error& why, rocksdb::WriteBatch& aside) const;
  Status load_recipients(const Load& load, mail::Letter& letter, rocksdb::WriteBatch& aside) const;
  Status load_envelope(MessageId id, mail::Letter& letter, rocksdb::WriteBatch& aside) const;
  Status load_body(MessageId id, std::size_t bytes_max, mail::Letter& letter) const;

  const Database& database_;
  const ShardScan& scan_;
  Shelf& shelf_;
};

}  // namespace posthaste::queue
