// Daemon: puts the house together, runs it, and takes it apart again.
//
//   construct in order: log, metrics, store, store thread, TLS reporter, workers, listeners, admin;
//   destroy in reverse.
//
// Threads      everything here in the main thread, which has a loop of its own for signals and the
//              watchdog.
// Does not     move mail; see Worker.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "daemon/admin.h"
#include "daemon/clock_watch.h"
#include "daemon/log.h"
#include "daemon/metrics.h"
#include "daemon/reader_thread.h"
#include "daemon/service_manager.h"
#include "daemon/store_thread.h"
#include "daemon/tls_reporter.h"
#include "daemon/wiring.h"
#include "daemon/worker.h"
#include "lib/io/loop.h"

namespace posthaste::daemon {

// Reads and checks a configuration file. `report` gets every diagnostic, one line each; nullptr
// when there was an error.
std::shared_ptr<const Runtime> load_runtime(const std::string& file,
                                            std::vector<std::string>& report);

class Daemon {
 public:
  Daemon(std::string config_file, std::shared_ptr<const Runtime> runtime);
  ~Daemon();

  // Opens everything. Error: what cannot be had and how to mend it; nothing was accepted then.
  Status open();
  // Serves until SIGTERM or SIGINT, then finishes what is in flight. REQUIRES open() went well.
  // Error: why it could not go on, where a restart may help; what is in flight was left then.
  Status run();

 private:
  Status open_store();
  Status open_reporter();
  Status open_workers();
  Status open_listeners();
  Status listen_on(const config::Listen& listen, std::vector<InheritedSocket>& inherited);
  Status open_admin();
  void reload();
  void reload_failed(const std::string& words);
  void begin_stop();
  void give_up();
  void on_timer();
  bool all_quiet() const;
  void look_at_threads();
  std::vector<Worker*> worker_list() const;
  void take_apart();

  const std::string config_file_;
  std::shared_ptr<const Runtime> runtime_;
  ServiceManager service_manager_;
  Log log_;
  Metrics metrics_;
  std::atomic<std::uint32_t> inbound_connections_{0};
  io::Loop loop_;
  io::Timer timer_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<StoreThread> store_;
  std::unique_ptr<ReaderThread> reader_;
  std::unique_ptr<TlsReporter> reporter_;
  std::shared_ptr<const policy::Suspensions> suspensions_;  // as they were at the start
  std::unique_ptr<AdminThread> admin_;
  std::string listening_;
  std::string listens_with_tls_;  // the first such socket; empty: none
  bool stopping_ = false;
  Status ended_{};
  Instant stop_by_ = kNever;
  Instant last_look_{};
  Instant next_watchdog_{};
  std::size_t stuck_ = 0;  // threads, when they were last looked at
  ClockWatch clock_watch_;
};

}  // namespace posthaste::daemon
