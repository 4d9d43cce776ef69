// ServiceManager: what passes between us and systemd (sd_notify, sockets, watchdog). Silent where
// there is no systemd.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/base/ip.h"
#include "lib/base/time.h"
#include "lib/io/fd.h"

namespace posthaste::daemon {

struct InheritedSocket {
  io::Fd socket;
  Endpoint endpoint;
};

class ServiceManager {
 public:
  ServiceManager();
  void ready(const std::string& status);
  void reloading();
  void stopping();
  void watchdog();
  // How often watchdog() has to be called at least; nullopt: nobody waits for it.
  std::optional<Duration> watchdog_interval() const { return watchdog_interval_; }
  // TCP sockets that were passed to us (LISTEN_FDS). Only the first call gives them.
  std::vector<InheritedSocket> take_sockets();

 private:
  std::optional<Duration> watchdog_interval_;
};

}  // namespace posthaste::daemon
