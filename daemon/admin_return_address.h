// ReturnAddress: where other threads send the admin's answers to; it may outlive the admin.
//
// Threads      send() from any; close() by whoever takes the mailbox away.
// Does not     tell a sender that nobody listens any more: such an answer is dropped.
#pragma once

#include <functional>
#include <mutex>
#include <utility>

#include "lib/io/mailbox.h"

namespace posthaste::daemon {

class ReturnAddress {
 public:
  using Work = std::function<void()>;

  explicit ReturnAddress(io::Mailbox<Work>& mailbox) : mailbox_(&mailbox) {}

  // `work` runs in the loop of the mailbox, unless close() came first.
  void send(Work work) {
    const std::lock_guard lock(mutex_);
    if (mailbox_ != nullptr) mailbox_->push(std::move(work));
  }
  // ENSURES that the mailbox is not touched any more.
  void close() {
    const std::lock_guard lock(mutex_);
    mailbox_ = nullptr;
  }

 private:
  std::mutex mutex_;
  io::Mailbox<Work>* mailbox_;  // guarded by mutex_; nullptr: closed
};

}  // namespace posthaste::daemon
