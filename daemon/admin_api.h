// AdminApi: what the admin endpoints answer, by path.
//
// Lifetime     the AdminThread's. Threads: the admin's; reads of the store are done in the
//              ReaderThread and answered in the admin's again.
// Does not     listen, or change anything itself: see AdminSteering, AdminSuspensions and AdminTls.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <stop_token>
#include <vector>

#include "daemon/admin_backup.h"
#include "daemon/admin_census.h"
#include "daemon/admin_health.h"
#include "daemon/admin_steering.h"
#include "daemon/admin_suspensions.h"
#include "daemon/admin_tls.h"
#include "daemon/http_server.h"
#include "daemon/log.h"
#include "daemon/metrics.h"
#include "daemon/reader_thread.h"
#include "daemon/store_thread.h"
#include "daemon/wiring.h"

namespace posthaste::daemon {

class Worker;

class AdminApi {
 public:
  // Whom it asks.
  struct House {
    std::vector<Worker*> workers;
    StoreThread& store;
    ReaderThread& reader;
    TlsReporter& reporter;
    Metrics& metrics;
    Log& log;
    std::atomic<std::uint32_t>& inbound_connections;
    // At the start, as the workers know it; never null.
    std::shared_ptr<const policy::Suspensions> suspensions;
  };

  AdminApi(io::Loop& loop, std::shared_ptr<ReturnAddress> home, House house,
           std::shared_ptr<const Runtime> runtime);

  void reconfigure(std::shared_ptr<const Runtime> runtime) {
    runtime_ = std::move(runtime);
    tls_.reconfigure(runtime_);
  }
  void set_listening(bool listening) { listening_ = listening; }
  // Answers to what was asked in the admin's lane.
  void on_store(const std::vector<queue::StoreEvent>& events);

  // For anybody: /, /healthz, /readyz, /metrics.
  void answer_public(const HttpRequest& request, const Respond& respond);
  // For who may use the Unix socket: those, and /v1.
  void answer_local(const HttpRequest& request, const Respond& respond);

 private:
  using Read = std::function<HttpResponse(const queue::Store& store, const Stopped& stopped,
                                          Instant now, const std::stop_token& stop)>;

  bool answer_open(const HttpRequest& request, const Respond& respond);
  void answer_v1(std::string_view path, const HttpRequest& request, const Respond& respond);
  void answer_message(std::string_view path, const Respond& respond);
  void metrics(const Respond& respond);
  void status(const Respond& respond);
  void list_queue(const HttpRequest& request, const Respond& respond);
  void schedule(const HttpRequest& request, const Respond& respond);
  void read(Read read, const Respond& respond);
  Verdict health() const;
  Verdict readiness() const;
  void complete(Snapshot& snapshot) const;

  io::Loop& loop_;
  const std::shared_ptr<ReturnAddress> home_;
  const House house_;
  std::shared_ptr<const Runtime> runtime_;
  CensusTaker census_;
  AdminTls tls_;
  AdminSuspensions suspensions_;
  AdminSteering steering_;
  AdminBackup backup_;
  const Instant started_;
  bool listening_ = false;
};

}  // namespace posthaste::daemon
