// AdminBackup: copies the queue while the daemon works on.
//
//   POST /v1/backup?dir=  begins one;  GET /v1/backup  tells how the latest is
//
// Lifetime     the AdminApi's. Threads: the admin's; the copy is made in the ReaderThread, in
//              a lane of its own.
// Limits       one at a time.
// Does not     copy anything itself (queue/store.h), or look at a copy (queue/rocks/inspection.h).
#pragma once

#include <memory>
#include <string>

#include "daemon/admin_return_address.h"
#include "daemon/http_server.h"
#include "daemon/log.h"
#include "daemon/metrics.h"
#include "daemon/reader_thread.h"
#include "daemon/store_thread.h"
#include "lib/io/loop.h"

namespace posthaste::daemon {

class AdminBackup {
 public:
  struct House {
    io::Loop& loop;
    std::shared_ptr<ReturnAddress> home;
    StoreThread& store;
    ReaderThread& reader;
    Metrics& metrics;
    Log& log;
  };

  explicit AdminBackup(House house) : house_(std::move(house)) {}

  void answer(const HttpRequest& request, const Respond& respond);

 private:
  void begin(const std::string& directory);
  void on_end(const Status& copied);
  void tell(const Respond& respond) const;

  const House house_;
  // Of the latest.
  std::string directory_;  // empty: there was none
  bool running_ = false;
  Instant began_, ended_;
  Status copied_;
};

}  // namespace posthaste::daemon
