// TroubleListener: says in our log when RocksDB stops writing because of a background error, when
// it slows down, and when it is well again.
#pragma once

#include <rocksdb/listener.h>

#include "queue/rocks/rocks_store.h"

namespace posthaste::queue {

// Threads      called from RocksDB's; keeps nothing but the log function.
class TroubleListener final : public rocksdb::EventListener {
 public:
  explicit TroubleListener(LogFunction log) : log_(std::move(log)) {}
  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* error) override;
  void OnErrorRecoveryEnd(const rocksdb::BackgroundErrorRecoveryInfo& info) override;
  void OnStallConditionsChanged(const rocksdb::WriteStallInfo& info) override;

 private:
  void say(LogLevel level, std::string_view words) const {
    if (log_) log_(level, words);
  }
  const LogFunction log_;
};

}  // namespace posthaste::queue
