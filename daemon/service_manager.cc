#include "daemon/service_manager.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "lib/io/listener.h"

namespace posthaste::daemon {
namespace {

// RELOADING=1 wants the time at which the reload began (sd_notify(3)).
std::string monotonic_microseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::to_string(std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000);
}

}  // namespace

ServiceManager::ServiceManager() {
  std::uint64_t microseconds = 0;
  if (sd_watchdog_enabled(1, &microseconds) > 0)
    watchdog_interval_ = Duration(static_cast<std::int64_t>(microseconds));
}

void ServiceManager::ready(const std::string& status) {
  sd_notify(0, ("READY=1\nSTATUS=" + status).c_str());
}

void ServiceManager::reloading() {
  sd_notify(0, ("RELOADING=1\nMONOTONIC_USEC=" + monotonic_microseconds()).c_str());
}

void ServiceManager::stopping() { sd_notify(0, "STOPPING=1\nSTATUS=finishing what is in flight"); }
void ServiceManager::watchdog() { sd_notify(0, "WATCHDOG=1"); }

std::vector<InheritedSocket> ServiceManager::take_sockets() {
  std::vector<InheritedSocket> sockets;
  const int count = sd_listen_fds(1);
  for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + count; ++fd) {
    io::Fd socket(fd);
    if (sd_is_socket_inet(fd, AF_UNSPEC, SOCK_STREAM, 1, 0) <= 0)
      continue;  // not ours to serve: closed
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    const Endpoint endpoint = io::local_endpoint(fd);
    sockets.push_back({std::move(socket), endpoint});
  }
  return sockets;
}

}  // namespace posthaste::daemon
