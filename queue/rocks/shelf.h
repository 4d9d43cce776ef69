// Shelf: where records go that cannot be read, so that they stop nothing else and nothing of them
// is lost.
//
// Threads      set_aside_* from the store thread, count() from any.
// Does not     write: it adds to the batch it is given.
#pragma once

#include <rocksdb/write_batch.h>

#include <atomic>
#include <cstdint>
#include <string_view>
#include <utility>

#include "lib/base/ids.h"
#include "queue/rocks/database.h"

namespace posthaste::queue {

class Shelf {
 public:
  Shelf(const Database& database, LogFunction log) : database_(database), log_(std::move(log)) {}

  // `key` as it is found in the column family.
  void set_aside_recipient(std::string_view key, std::string_view value, std::string_view why,
                           rocksdb::WriteBatch& batch);
  void set_aside_message(MessageId id, std::string_view value, std::string_view why,
                         rocksdb::WriteBatch& batch);
  // For what cannot even be moved.
  void report(std::string_view words);
  // For what may pass; not counted.
  void warn(std::string_view words) const;
  std::uint64_t count() const { return count_.load(std::memory_order_relaxed); }

 private:
  const Database& database_;
  const LogFunction log_;
  std::atomic<std::uint64_t> count_{0};
};

}  // namespace posthaste::queue
