#include "queue/rocks/database_options.h"

#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include <memory>

#include "queue/rocks/deletion_collector.h"
#include "queue/rocks/logger.h"

namespace posthaste::queue {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr std::size_t kBlockCacheBytes = 32 * kMiB;
constexpr int kBlockCacheShardBits = 2;  // one thread writes, few read
constexpr std::uint64_t kBlobFileBytes = 64 * kMiB;
constexpr std::uint64_t kBlobValueBytesMin = 2048;
constexpr double kBloomBitsPerKey = 10;

std::shared_ptr<rocksdb::TableFactory> table_factory(std::shared_ptr<rocksdb::Cache> cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = std::move(cache);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kBloomBitsPerKey));
  // Index and filter blocks count against the cache: memory stays bounded however large the queue
  // is. They come in parts of a block's size: as one piece, the filter of a table of 64 MB is a
  // megabyte, which a small cache drops again before it is used twice.
  table.cache_index_and_filter_blocks = true;
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  return std::shared_ptr<rocksdb::TableFactory>(rocksdb::NewBlockBasedTableFactory(table));
}

rocksdb::ColumnFamilyOptions record_family(const RocksOptions& options,
                                           const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions family;
  family.write_buffer_size = options.record_memtable_bytes;
  family.max_write_buffer_number = 3;
  family.table_factory = table_factory(cache);
  family.compression = rocksdb::kLZ4Compression;
  family.table_properties_collector_factories = {make_deletion_collector_factory()};
  return family;
}

rocksdb::ColumnFamilyOptions body_family(const RocksOptions& options,
                                         const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions family = record_family(options, cache);
  // The larger these are, the longer a body stays in memory, and the more mail goes out without a
  // flush.
  family.write_buffer_size = options.body_memtable_bytes;
  family.max_write_buffer_number = 4;
  family.compression = rocksdb::kNoCompression;
  // Bodies that are flushed go to blob files, so that compaction moves keys only.
  family.enable_blob_files = true;
  family.min_blob_size = kBlobValueBytesMin;
  family.blob_file_size = kBlobFileBytes;
  family.enable_blob_garbage_collection = true;
  family.blob_garbage_collection_age_cutoff = 1.0;
  family.blob_garbage_collection_force_threshold = 0.5;
  return family;
}

}  // namespace

rocksdb::DBOptions database_options(const RocksOptions& options) {
  rocksdb::DBOptions db;
  if (options.env != nullptr) db.env = options.env;
  db.create_if_missing = true;
  db.create_missing_column_families = true;
  db.info_log = std::make_shared<Logger>(options.log);
  db.info_log_level =
      rocksdb::InfoLogLevel::WARN_LEVEL;  // Debian builds without NDEBUG: DEBUG is its default
  db.max_background_jobs =
      2;  // one flush, one compaction: later releases list faults of concurrent flushes
  db.max_total_wal_size = options.wal_bytes_max;
  // A full disk must not keep the queue from opening: what is in the log stays there until a flush
  // is due.
  db.avoid_flush_during_recovery = true;
  // The log ends at the first record that is not whole: the torn tail of a power cut. What was
  // synced is before it.
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  db.max_open_files = 512;
  db.bytes_per_sync =
      kMiB;  // tables go to the disk as they are written, not in one burst at their end
  return db;
}

std::vector<rocksdb::ColumnFamilyDescriptor> column_families(const RocksOptions& options) {
  const std::shared_ptr<rocksdb::Cache> cache =
      rocksdb::NewLRUCache(kBlockCacheBytes, kBlockCacheShardBits);
  const rocksdb::ColumnFamilyOptions record = record_family(options, cache);
  return {{rocksdb::kDefaultColumnFamilyName, record},
          {"body", body_family(options, cache)},
          {"msg", record},
          {"rcpt", record},
          {"event", record},
          {"tls", record}};
}

}  // namespace posthaste::queue
