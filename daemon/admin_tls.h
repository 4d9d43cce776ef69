// AdminTls: what the admin API answers under /v1/tls.
//
// Lifetime     the AdminApi's. Threads: the admin's; workers and the TLS reporter answer in theirs,
//              and it is sent in the admin's again.
// Limits       a worker that hangs leaves its asker without an answer.
// Does not     listen. Only `forget` changes anything.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "daemon/admin_return_address.h"
#include "daemon/http_server.h"
#include "daemon/tls_reporter.h"
#include "daemon/wiring.h"

namespace posthaste::daemon {

class Worker;

class AdminTls {
 public:
  AdminTls(io::Loop& loop, std::shared_ptr<ReturnAddress> home, std::vector<Worker*> workers,
           TlsReporter& reporter, std::shared_ptr<const Runtime> runtime);

  void reconfigure(std::shared_ptr<const Runtime> runtime) { runtime_ = std::move(runtime); }
  // `page`: "explain", "memory", "report" by GET, "forget" by POST.
  void answer(std::string_view page, const HttpRequest& request, const Respond& respond);

 private:
  void explain(const HttpRequest& request, const Respond& respond);
  void memory(const HttpRequest& request, const Respond& respond);
  void forget(const HttpRequest& request, const Respond& respond);
  void report(const HttpRequest& request, const Respond& respond);

  io::Loop& loop_;
  const std::shared_ptr<ReturnAddress> home_;
  const std::vector<Worker*> workers_;
  TlsReporter& reporter_;
  std::shared_ptr<const Runtime> runtime_;
};

}  // namespace posthaste::daemon
