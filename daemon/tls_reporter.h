// TlsReporter: counts how TLS went, by domain and day, and sends the reports that domains ask for:
// a thread of its own around a TlsReportDesk.
//
// Reports go by mail through our own queue, or by HTTPS POST. Mail about TLS reports is not counted
// itself: it is sent with TLS-Required: No, and whoever counts leaves such connections out.
//
// Lifetime     started once; what was counted is kept at stop().
// Threads      count(), post() and reconfigure() from any.
// Limits       those of TlsReportDesk; 10,000 results waiting.
// Implements   RFC 8460 §3, §5.
// Does not     decide what a failure is called: see lib/policy/tls_facts.h.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "daemon/heartbeat.h"
#include "daemon/https_fetcher.h"
#include "daemon/log.h"
#include "daemon/metrics.h"
#include "daemon/store_thread.h"
#include "daemon/tls_report_json.h"
#include "daemon/wiring.h"
#include "lib/base/ids.h"
#include "lib/io/loop.h"
#include "lib/io/mailbox.h"
#include "lib/report/tls_report_desk.h"

namespace posthaste::daemon {

class TlsReporter {
 public:
  // Error: the resolver's, or the HTTPS client's. `ids` hands out ids that no worker does. Whether
  // reports are sent is the configuration's to say; the rest of `desk` is as given.
  static Result<std::unique_ptr<TlsReporter>> make(std::shared_ptr<const Runtime> runtime,
                                                   StoreThread& store, Metrics& metrics, Log& log,
                                                   IdSource ids,
                                                   report::TlsReportDesk::Options desk = {});
  ~TlsReporter();
  TlsReporter(const TlsReporter&) = delete;
  TlsReporter& operator=(const TlsReporter&) = delete;

  void start();
  void stop();  // keeps what was counted, and ends the thread; harmless when it runs no more

  // Any thread. False: too many wait, and this one is dropped, which the log tells once.
  bool count(report::TlsResult result);
  std::int64_t heartbeat() const { return heartbeat_.last(); }  // any thread
  // Any thread. The store's answers to what lane() asked.
  void on_store(std::vector<queue::StoreEvent>&& events);
  void reconfigure(std::shared_ptr<const Runtime> runtime);
  // The JSON of a report; empty: nothing was counted. `reader` is called in the reporter's thread.
  void read(report::ReportDay day, std::string domain,
            std::function<void(std::string json)> reader);

 private:
  using Mail = std::variant<report::TlsResult, std::function<void(TlsReporter&)>>;
  static constexpr std::size_t kWaitingMax = 10'000;

  TlsReporter(std::shared_ptr<const Runtime> runtime, StoreThread& store, Metrics& metrics,
              Log& log, IdSource ids, report::TlsReportDesk::Options desk);
  Status open();
  void restore();
  void on_mail();
  void drain();
  void carry_out(report::TlsReportDesk::Action& action);
  void ask(const report::TlsReportDesk::AskRecord& ask);
  void on_record(const report::TlsReportDesk::Key& which, const dns::Answer& answer);
  void send(const report::TlsReportDesk::Send& send);
  Status send_mail(const std::string& to, const TlsReportHead& head, const std::string& packed,
                   const report::TlsReportDesk::Key& which);
  void on_store_event(const queue::StoreEvent& event);
  void on_mail_stored(std::uint64_t ticket, const Status& stored);
  // To the first of `urls` that takes it.
  void send_https(std::vector<std::string> urls, const std::string& packed,
                  const report::TlsReportDesk::Key& which);
  void log_sent(const report::TlsReportDesk::Key& which, const std::string& to, const Status& sent);
  void on_sent(const report::TlsReportDesk::Key& which, const Status& sent);
  TlsReportHead head_of(const report::TlsReportDesk::Key& which, MessageId id) const;
  std::string from() const;
  report::TlsReportDesk::Options desk_options() const;

  std::shared_ptr<const Runtime> runtime_;
  StoreThread& store_;
  Metrics& metrics_;
  Log& log_;
  IdSource ids_;
  const report::TlsReportDesk::Options desk_options_;
  report::TlsReportDesk desk_;
  io::Loop loop_;
  io::Mailbox<Mail> mailbox_;
  io::Timer timer_;
  Heartbeat heartbeat_;
  std::unique_ptr<resolver::Resolver> resolver_;
  std::unique_ptr<https::Client> client_;
  std::unique_ptr<HttpsFetcher> fetcher_;
  report::TlsReportDesk::Actions actions_;
  struct Storing {
    report::TlsReportDesk::Key which;
    std::string to;
  };
  std::map<std::uint64_t, Storing> storing_;  // by ticket
  std::uint64_t last_ticket_ = 0;
  std::atomic<bool> dropping_{false};
  std::thread thread_;
};

}  // namespace posthaste::daemon
