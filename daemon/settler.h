// Settler: turns the engine's settlements into what is stored, logged, counted and told to the
// sender.
//
// A fate and what its sender is told of it are one write: the notification rides in the same
// queue::Settle.
//
// Threads      its worker's.
// Does not     decide a fate. See lib/delivery.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "daemon/log.h"
#include "daemon/metrics.h"
#include "daemon/wiring.h"
#include "lib/base/ids.h"
#include "lib/delivery/engine.h"
#include "queue/store.h"

namespace posthaste::daemon {

class Settler {
 public:
  Settler(Metrics& metrics, Log& log, const queue::Store& store, IdSource& ids);
  queue::Settle settle(const delivery::Persist& persist, const Runtime& runtime, Instant now);
  void add_to(Snapshot& snapshot) const;

 private:
  void count(const mail::Envelope& envelope, const delivery::Settlement& settlement, Instant now);
  void log(const mail::Envelope& envelope, const delivery::Settlement& settlement, Instant now);
  void notify(const delivery::Persist& persist, const Runtime& runtime, Instant now,
              queue::Settle& request);
  Snapshot::DomainCount& domain_count(const std::string& domain);

  Metrics& metrics_;
  Log& log_;
  const queue::Store& store_;
  IdSource& ids_;
  std::map<std::string, Snapshot::DomainCount, std::less<>> domains_;
};

}  // namespace posthaste::daemon
