// A TlsReporter that begins with what was counted on an earlier day, with DNS from a real nsd, over
// a store that a test looks into; for tests.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "config/load.h"
#include "daemon/tls_reporter.h"
#include "queue/memory_store.h"
#include "tests/unit/resolver/dns_servers.h"

namespace posthaste::daemon {

constexpr std::chrono::seconds kPatience{30};

// Shows what was accepted, to any thread.
class WatchedStore final : public queue::MemoryStore {
 public:
  bool commit(std::span<queue::Request> batch, std::vector<queue::StoreEvent>& out) override {
    {
      const std::lock_guard lock(mutex_);
      for (const auto& request : batch) {
        if (const auto* mail = std::get_if<queue::Accept>(&request)) accepted_.push_back(*mail);
      }
    }
    changed_.notify_all();
    return MemoryStore::commit(batch, out);
  }
  // Those that came until now, `count` at least.
  std::vector<queue::Accept> accepted(std::size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, kPatience, [&] { return accepted_.size() >= count; }));
    return accepted_;
  }
  void note(queue::Keep keep) {
    std::vector<queue::Request> batch{std::move(keep)};
    std::vector<queue::StoreEvent> out;
    MemoryStore::commit(batch, out);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<queue::Accept> accepted_;  // guarded by mutex_
};

class ReporterHouse : public ::testing::Test {
 protected:
  using Desk = report::TlsReportDesk;
  static constexpr std::chrono::days kOneDay{1};

  ReporterHouse() : log_(LogLevel::kError, LogFormat::kLogfmt) {
    desk_.spread = Duration(0);
    desk_.retry = std::chrono::milliseconds(1);
  }
  ~ReporterHouse() override {
    if (reporter_) stop();
  }

  // A TXT record _smtp._tls of good.example, and whatever else its zone has to have.
  void publish(const std::string& record, const std::string& more = {}) {
    const std::string zone = record.empty() ? "" : text_record("good.example", record);
    const std::vector<resolver::Zone> zones{
        {.name = "good.example", .records = zone + more},
        {.name = "other.example",
         .records = text_record("other.example", "v=TLSRPTv1; rua=mailto:o@other.example")}};
    nsd_ = std::make_unique<resolver::NameServer>(zones);
  }
  static std::string text_record(const std::string& domain, const std::string& text) {
    return "_smtp._tls." + domain + ". 60 IN TXT \"" + text + "\"\n";
  }

  // Three sessions of that day, one of them a failure, as a process before this one kept them.
  void counted(const std::string& domain = "good.example", std::chrono::days ago = kOneDay) {
    const Instant then = loop_.now() - ago;
    report::TlsResult result{.domain = domain, .policy = {}, .success = true, .failure = {}};
    Desk desk({}, Rng(1));
    desk.count(result, then);
    desk.count(result, then);
    result.success = false;
    result.failure = {"starttls-not-supported", "192.0.2.1", "mx.good.example", "192.0.2.2",
                      "not_offered"};
    desk.count(result, then);
    Desk::Actions actions;
    desk.save(actions);
    for (Desk::Action& action : actions) {
      auto& kept = std::get<Desk::Keep>(action);
      disk_->note({queue::NoteKind::kTlsReport, kept.key, kept.value, kept.expires});
    }
  }
  report::ReportDay yesterday() { return report::report_day(loop_.now() - kOneDay); }

  std::shared_ptr<const Runtime> runtime(bool enabled = true) {
    const Endpoint& dns = nsd_->endpoint();
    auto loaded = config::load_config(
        "dns: {servers: [\"127.0.0.1:" + std::to_string(dns.port) + "\"]}\n" + "delivery: {" +
            (allowed_ ? "allow_networks: [127.0.0.0/8]" : "") + "}\ntls: {" +
            (ca_file_.empty() ? "" : "mta_sts_ca_file: " + ca_file_ + ", ") + "report: {enabled: " +
            (enabled ? "true" : "false") + ", contact: tls@mta.test, organization: Ours}}\n",
        "test");
    EXPECT_TRUE(loaded.config);
    return make_runtime(std::move(*loaded.config), "mta.test", 1);
  }

  void start(bool enabled = true) {
    metrics_ = std::make_unique<Metrics>();
    running_ = disk_.get();
    store_ = std::make_unique<StoreThread>(
        std::move(disk_), StoreThread::Options{}, *metrics_, log_,
        [this](unsigned worker, std::vector<queue::StoreEvent>&& events) {
          if (worker == StoreThread::Options{}.workers) reporter_->on_store(std::move(events));
        },
        [](bool) {});
    auto made = TlsReporter::make(runtime(enabled), *store_, *metrics_, log_,
                                  IdSource(1, 2, MessageId{}), desk_);
    ASSERT_TRUE(made) << made.error().words;
    reporter_ = std::move(*made);
    store_->start();
    reporter_->start();
  }
  // As the process ends: notes are what the next one finds.
  void stop() {
    reporter_->stop();
    store_->stop();
    reporter_.reset();
    disk_ = std::make_unique<WatchedStore>();
    const Status read =
        store_->store().notes(queue::NoteKind::kTlsReport, loop_.now(),
                              [&](const std::string& key, const std::string& value, Instant end) {
                                disk_->note({queue::NoteKind::kTlsReport, key, value, end});
                              });
    EXPECT_TRUE(read);
    store_.reset();
  }

  TlsReporter& reporter() { return *reporter_; }
  WatchedStore& store() { return *running_; }

  // What would be told now; also waits until the reporter's thread has gone round once.
  std::string read(const std::string& domain = "good.example") {
    std::promise<std::string> told;
    reporter_->read(yesterday(), domain,
                    [&](std::string json) { told.set_value(std::move(json)); });
    return told.get_future().get();
  }
  // "sent" or "failed".
  bool counts(const std::string& result, int count) {
    const std::string text = metrics_->render({}, Instant{}, {}, 0);
    return text.find("\nposthaste_tls_reports_total{result=\"" + result + "\"} " +
                     std::to_string(count) + "\n") != text.npos;
  }
  void wait_for(const std::string& result, int count) {
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (!counts(result, count)) {
      ASSERT_LT(std::chrono::steady_clock::now(), until) << count << ' ' << result;
      read();
    }
  }

  io::Loop loop_;  // for its clock
  Desk::Options desk_;
  bool allowed_ = true;  // loopback, as an address of a stranger's host
  std::string ca_file_;

 private:
  Log log_;
  std::unique_ptr<resolver::NameServer> nsd_;
  std::unique_ptr<Metrics> metrics_;
  std::unique_ptr<StoreThread> store_;
  std::unique_ptr<WatchedStore> disk_ = std::make_unique<WatchedStore>();  // between two runs
  WatchedStore* running_ = nullptr;                                        // store_'s
  std::unique_ptr<TlsReporter> reporter_;
};

}  // namespace posthaste::daemon
