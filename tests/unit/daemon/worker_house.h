// A Worker (whose TLS reporter never starts) with a store thread over a store that can be held up,
// and a submission port; for tests.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>

#include "config/load.h"
#include "daemon/worker.h"
#include "queue/memory_store.h"
#include "tests/unit/daemon/server_fixture.h"

namespace posthaste::daemon {

// A MemoryStore whose writes wait while it is held, and which refuses a chunk when it is told to.
class HeldStore final : public queue::MemoryStore {
 public:
  // Any thread. While it is held, no write begins.
  void hold() {
    const std::lock_guard lock(mutex_);
    held_ = true;
  }
  void release() {
    {
      const std::lock_guard lock(mutex_);
      held_ = false;
    }
    changed_.notify_all();
  }
  // Until a write wants to begin and cannot.
  void wait_until_wanted() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return wanted_; });
  }
  void refuse_next_chunk() {
    const std::lock_guard lock(mutex_);
    refuses_chunk_ = true;
  }
  std::size_t stored() {
    const std::lock_guard lock(mutex_);
    return messages();
  }

  using Batch = std::span<queue::Request>;
  using Events = std::vector<queue::StoreEvent>;
  auto commit(Batch batch, Events& out)
      -> decltype(std::declval<queue::Store&>().commit(batch, out)) override {
    std::unique_lock lock(mutex_);
    wanted_ = held_;
    if (held_) changed_.notify_all();
    changed_.wait(lock, [this] { return !held_; });
    wanted_ = false;
    for (auto& request : batch) {
      const auto* append = std::get_if<queue::Append>(&request);
      if (append == nullptr || !std::exchange(refuses_chunk_, false)) continue;
      out.push_back(queue::Refused{0, append->id, false, "refused by the test"});
      request = queue::Abandon{append->id};
    }
    return MemoryStore::commit(batch, out);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool held_ = false;
  bool wanted_ = false;
  bool refuses_chunk_ = false;
};

class WorkerHouse {
 public:
  explicit WorkerHouse(StoreThread::Options options = {}, const std::string& limits = "{}")
      : log_(LogLevel::kInfo, LogFormat::kLogfmt) {
    auto loaded = config::load_config("submission: {trusted: [127.0.0.0/8], limits: " + limits +
                                          "}\n"
                                          "dns: {servers: [\"127.0.0.1:9\"]}\n",
                                      "test");
    EXPECT_TRUE(loaded.config);
    runtime_ = make_runtime(std::move(*loaded.config), "mta.test", 1);
    auto held = std::make_unique<HeldStore>();
    disk_ = held.get();
    options.workers = 1;
    store_ = std::make_unique<StoreThread>(
        std::move(held), std::move(options), metrics_, log_,
        [this](unsigned, std::vector<queue::StoreEvent>&& events) {
          worker_->post(std::move(events));
        },
        [](bool) {});
    auto reporter = TlsReporter::make(runtime_, *store_, metrics_, log_, IdSource(1, 2, {}));
    EXPECT_TRUE(reporter);
    reporter_ = std::move(*reporter);
    std::vector<std::string> warnings;
    worker_ = std::make_unique<Worker>(0, runtime_, *TlsContexts::make(*runtime_, warnings));
    EXPECT_TRUE(
        worker_->attach({metrics_, log_, *store_, reader_, *reporter_, inbound_connections_}));
    auto socket = io::listen_tcp({*parse_ip("127.0.0.1"), 0}, false);
    EXPECT_TRUE(socket);
    at_ = io::local_endpoint(socket->get());
    worker_->listen(std::move(*socket), config::ListenTls::kNone);
    store_->start();
    worker_->start();
  }
  ~WorkerHouse() {
    worker_->stop();
    worker_->join();
    disk_->release();
    store_->stop();
  }

  HeldStore& disk() { return *disk_; }
  StoreThread& store() { return *store_; }
  Worker& worker() { return *worker_; }
  const Endpoint& at() const { return at_; }

  // Runs `work` in the worker's thread and waits for it.
  void in_worker(const std::function<void(Worker&)>& work) {
    std::promise<void> done;
    worker_->post([&](Worker& worker) {
      work(worker);
      done.set_value();
    });
    done.get_future().wait();
  }
  // Until it holds in the worker's thread; asked once each time its loop goes round.
  void wait_until(const std::function<bool(Worker&)>& condition) {
    for (bool holds = false; !holds;) {
      in_worker([&](Worker& worker) { holds = condition(worker); });
    }
  }
  std::uint32_t connections() const { return inbound_connections_.load(); }
  // The value of a sample, as /metrics shows it.
  std::string metric(const std::string& name) {
    const std::string text = "\n" + metrics_.render({}, Instant{}, {}, 0);
    const auto found = text.find("\n" + name + " ");
    if (found == std::string::npos) return "none";
    const auto begin = found + name.size() + 2;
    return text.substr(begin, text.find('\n', begin) - begin);
  }

 private:
  Metrics metrics_;
  Log log_;
  ReaderThread reader_;
  std::atomic<std::uint32_t> inbound_connections_{0};
  std::shared_ptr<const Runtime> runtime_;
  HeldStore* disk_ = nullptr;
  std::unique_ptr<StoreThread> store_;
  std::unique_ptr<TlsReporter> reporter_;
  std::unique_ptr<Worker> worker_;
  Endpoint at_;
};

}  // namespace posthaste::daemon
