#include "daemon/reader_thread.h"

namespace posthaste::daemon {

ReaderThread::ReaderThread()
    : mailbox_(loop_, static_cast<std::size_t>(-1), [this] { on_mail(); }),
      thread_([this] { loop_.run(); }) {}

ReaderThread::~ReaderThread() {
  loop_.stop_from_any_thread();
  thread_.join();
}

void ReaderThread::push(std::function<void()> work) { mailbox_.push(std::move(work)); }

void ReaderThread::on_mail() {
  std::vector<std::function<void()>> work;
  mailbox_.take_all(work);
  for (const auto& read : work) read();
}

}  // namespace posthaste::daemon
