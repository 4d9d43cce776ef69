#include "queue/rocks/trouble_listener.h"

namespace posthaste::queue {

rocksdb::Status TroubleListener::stopped_by() const {
  const std::lock_guard lock(mutex_);
  return stopped_by_;
}

// A compaction that fails for want of room stops nobody.
void TroubleListener::OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* error) {
  if (error->severity() < rocksdb::Status::kHardError) {
    return say(LogLevel::kWarning, "the queue's tables cannot be merged: " + error->ToString());
  }
  {
    const std::lock_guard lock(mutex_);
    if (error->severity() > stopped_by_.severity()) stopped_by_ = *error;
  }
  say(LogLevel::kError, "the queue cannot be written: " + error->ToString());
}

void TroubleListener::OnErrorRecoveryEnd(const rocksdb::BackgroundErrorRecoveryInfo& info) {
  if (!info.new_bg_error.ok()) {
    return say(LogLevel::kError,
               "the queue still cannot be written: " + info.new_bg_error.ToString());
  }
  {
    const std::lock_guard lock(mutex_);
    if (stopped_by_.ok() || stopped_by_.severity() >= rocksdb::Status::kFatalError) return;
    stopped_by_ = rocksdb::Status::OK();
  }
  say(LogLevel::kWarning, "the queue can be written again");
}

void TroubleListener::OnStallConditionsChanged(const rocksdb::WriteStallInfo& info) {
  if (info.condition.cur == rocksdb::WriteStallCondition::kNormal) {
    say(LogLevel::kInfo, "the queue's disk keeps up again (" + info.cf_name + ")");
  } else {
    say(LogLevel::kWarning,
        "the queue's disk does not keep up: writing is slowed (" + info.cf_name + ")");
  }
}

}  // namespace posthaste::queue
