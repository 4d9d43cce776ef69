#include "queue/rocks/deletion_collector.h"

#include <cstdint>
#include <string>

namespace posthaste::queue {
namespace {

constexpr std::uint64_t kDeletionsMin = 1000;  // fewer cost a reader nothing
constexpr std::uint64_t kShareDivisor = 3;     // a third of all entries

class DeletionCollector final : public rocksdb::TablePropertiesCollector {
 public:
  rocksdb::Status AddUserKey(const rocksdb::Slice&, const rocksdb::Slice&, rocksdb::EntryType type,
                             rocksdb::SequenceNumber, std::uint64_t) override {
    ++entries_;
    if (type == rocksdb::kEntryDelete || type == rocksdb::kEntrySingleDelete ||
        type == rocksdb::kEntryRangeDeletion) {
      ++deletions_;
    }
    return rocksdb::Status::OK();
  }
  rocksdb::Status Finish(rocksdb::UserCollectedProperties*) override {
    return rocksdb::Status::OK();
  }
  rocksdb::UserCollectedProperties GetReadableProperties() const override {
    return {{"posthaste.deletions", std::to_string(deletions_)}};
  }
  const char* Name() const override { return "posthaste.DeletionCollector"; }
  bool NeedCompact() const override {
    return deletions_ >= kDeletionsMin && deletions_ * kShareDivisor >= entries_;
  }

 private:
  std::uint64_t entries_ = 0;
  std::uint64_t deletions_ = 0;
};

class DeletionCollectorFactory final : public rocksdb::TablePropertiesCollectorFactory {
 public:
  rocksdb::TablePropertiesCollector* CreateTablePropertiesCollector(
      rocksdb::TablePropertiesCollectorFactory::Context) override {
    return new DeletionCollector;  // RocksDB takes ownership
  }
  const char* Name() const override { return "posthaste.DeletionCollectorFactory"; }
};

}  // namespace

std::shared_ptr<rocksdb::TablePropertiesCollectorFactory> make_deletion_collector_factory() {
  return std::make_shared<DeletionCollectorFactory>();
}

}  // namespace posthaste::queue
