#include "daemon/reader_thread.h"

#include <utility>
#include <vector>

namespace posthaste::daemon {

ReaderThread::~ReaderThread() {
  stop_.request_stop();
  short_.join();
  long_.join();
  copy_.join();
}

void ReaderThread::push(std::function<void()> work) {
  short_.push([work = std::move(work)](const std::stop_token&) { work(); });
}

void ReaderThread::push_copy(std::function<void()> work) {
  copy_.push([work = std::move(work)](const std::stop_token&) { work(); });
}

void ReaderThread::push_scan(Scan scan) { long_.push(std::move(scan)); }

ReaderThread::Lane::Lane(std::stop_token stop)
    : stop_(std::move(stop)),
      mailbox_(loop_, static_cast<std::size_t>(-1), [this] { on_mail(); }),
      heartbeat_(loop_) {
  heartbeat_.begin();
  thread_ = std::thread([this] { loop_.run(); });
}

void ReaderThread::Lane::join() {
  loop_.stop_from_any_thread();
  thread_.join();
}

void ReaderThread::Lane::on_mail() {
  std::vector<Scan> work;
  mailbox_.take_all(work);
  for (const auto& read : work) {
    if (stop_.stop_requested()) return;
    read(stop_);
    heartbeat_.beat();
  }
}

}  // namespace posthaste::daemon
