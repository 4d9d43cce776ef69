#include "queue/rocks/trouble_listener.h"

namespace posthaste::queue {

void TroubleListener::OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* error) {
  say(LogLevel::kError, "the queue cannot be written: " + error->ToString());
}

void TroubleListener::OnErrorRecoveryEnd(const rocksdb::BackgroundErrorRecoveryInfo& info) {
  if (info.new_bg_error.ok()) {
    say(LogLevel::kWarning, "the queue can be written again");
  } else {
    say(LogLevel::kError, "the queue still cannot be written: " + info.new_bg_error.ToString());
  }
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
