// Database: the open RocksDB database and its column families, the files beneath it, and what its
// errors mean to us.
//
// Lifetime     from open() to destruction, which waits for RocksDB's background work.
// Threads      as rocksdb::DB: any.
// Does not     know records; see rocks_store.h.
#pragma once

#include <rocksdb/db.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "queue/rocks/ballast.h"
#include "queue/rocks/log_files.h"
#include "queue/rocks/rocks_store.h"
#include "queue/rocks/trouble_listener.h"

namespace posthaste::queue {

enum class Family : std::uint8_t { kDefault, kBody, kMsg, kRcpt, kEvent, kTls };
inline constexpr std::size_t kFamilies = 6;
inline constexpr std::array<Family, kFamilies> kAllFamilies{
    Family::kDefault, Family::kBody, Family::kMsg, Family::kRcpt, Family::kEvent, Family::kTls};

class Database {
 public:
  // Errors as RocksStore::open(). Does not look at the schema, but refuses column families it does
  // not know. Where the disk is full, it takes the room of the ballast.
  static Result<std::unique_ptr<Database>> open(const RocksOptions& options);
  // To look at, as it is at this instant, beside a process that writes to it or not. Changes
  // nothing, makes nothing, takes no lock. kNotFound: there is no queue.
  static Result<std::unique_ptr<Database>> open_to_read(const RocksOptions& options);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  rocksdb::DB& db() const { return *db_; }
  Ballast& ballast() const { return *ballast_; }
  // The one way to write; of one thread. Refused with its error where the newest log has failed.
  rocksdb::Status write(const rocksdb::WriteOptions& how, rocksdb::WriteBatch& batch) const;
  // As LogFiles.
  rocksdb::Status newest_log_failure() const { return logs_->newest_failure(); }
  // As TroubleListener.
  rocksdb::Status stopped_by() const { return trouble_->stopped_by(); }
  rocksdb::ColumnFamilyHandle* family(Family which) const {
    return families_[static_cast<std::size_t>(which)];
  }
  rocksdb::Status get(Family from, std::string_view key, rocksdb::PinnableSlice& value) const;
  // `upper_bound` is exclusive, and has to outlive the iterator.
  std::unique_ptr<rocksdb::Iterator> iterate(Family over,
                                             const rocksdb::Slice* upper_bound = nullptr) const;

 private:
  Database() = default;
  Status open_in(const RocksOptions& options, const rocksdb::DBOptions& db_options);
  void take(rocksdb::DB* db, const std::vector<rocksdb::ColumnFamilyHandle*>& handles);

  // What is only read from has none of these four.
  std::unique_ptr<Ballast> ballast_;
  std::shared_ptr<LogFiles> logs_;
  std::unique_ptr<rocksdb::Env> env_;
  std::shared_ptr<TroubleListener> trouble_;
  std::array<rocksdb::ColumnFamilyHandle*, kFamilies> families_{};
  std::unique_ptr<rocksdb::DB> db_;
};

inline rocksdb::Slice slice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
inline std::string_view view(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

// REQUIRES !status.ok().
Error to_error(const rocksdb::Status& status, std::string_view doing);

}  // namespace posthaste::queue
