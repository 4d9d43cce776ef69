// TroubleListener: knows, and says in our log, when RocksDB stops writing because of a background
// error, when it slows down, and when it is well again.
#pragma once

#include <rocksdb/listener.h>

#include <mutex>

#include "queue/rocks/rocks_store.h"

namespace posthaste::queue {

// Threads      called from RocksDB's; asked by any.
class TroubleListener final : public rocksdb::EventListener {
 public:
  explicit TroubleListener(LogFunction log) : log_(std::move(log)) {}

  // Why RocksDB takes no writes just now; OK: it does. From a fatal error it does not recover.
  rocksdb::Status stopped_by() const;

  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* error) override;
  void OnErrorRecoveryEnd(const rocksdb::BackgroundErrorRecoveryInfo& info) override;
  void OnStallConditionsChanged(const rocksdb::WriteStallInfo& info) override;

 private:
  void say(LogLevel level, std::string_view words) const {
    if (log_) log_(level, words);
  }
  const LogFunction log_;
  mutable std::mutex mutex_;
  rocksdb::Status stopped_by_;
};

}  // namespace posthaste::queue
