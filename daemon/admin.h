// AdminThread: the thread that answers monitors (HTTP endpoint) and the operator's tool (Unix
// socket).
//
// Lifetime     made after, and stopped before, everything it asks.
// Threads      make(), start(), stop() and the destructor from one thread; reconfigure(),
//              set_ready() and on_store() from any.
// Limits       those of HttpServer, for each of the two sockets.
// Does not     move mail, or change where it listens while it runs.
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "daemon/admin_api.h"
#include "daemon/heartbeat.h"

namespace posthaste::daemon {

class AdminThread {
 public:
  // Binds what the configuration names. Error: what cannot be bound, and how to mend it.
  static Result<std::unique_ptr<AdminThread>> make(std::shared_ptr<const Runtime> runtime,
                                                   AdminApi::House house);
  ~AdminThread();  // stop()
  AdminThread(const AdminThread&) = delete;
  AdminThread& operator=(const AdminThread&) = delete;

  void start();
  void stop();  // requests in flight are not answered

  std::int64_t heartbeat() const { return heartbeat_.last(); }  // any thread
  void reconfigure(std::shared_ptr<const Runtime> runtime);
  // Whether mail is taken; /readyz says it.
  void set_ready(bool ready);
  // The store's answers in the admin's lane.
  void on_store(std::vector<queue::StoreEvent>&& events);

 private:
  AdminThread(std::shared_ptr<const Runtime> runtime, AdminApi::House house);
  Status listen();
  void serve(io::Fd listening, HttpHandler handler);
  void on_mail();

  const std::shared_ptr<const Runtime> runtime_at_start_;
  Log& log_;
  io::Loop loop_;
  Heartbeat heartbeat_;
  io::Mailbox<ReturnAddress::Work> mailbox_;
  const std::shared_ptr<ReturnAddress> home_;
  AdminApi api_;
  std::vector<std::unique_ptr<HttpServer>> servers_;
  std::string socket_path_;  // ours to remove; empty: none
  std::thread thread_;
};

}  // namespace posthaste::daemon
