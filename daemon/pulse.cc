#include "daemon/pulse.h"

#include "daemon/reader_thread.h"
#include "daemon/store_thread.h"
#include "daemon/tls_reporter.h"
#include "daemon/worker.h"

namespace posthaste::daemon {

std::vector<Pulse> take_pulses(const std::vector<Worker*>& workers, const StoreThread& store,
                               const ReaderThread& reader, const TlsReporter& reporter) {
  std::vector<Pulse> pulses;
  for (std::size_t i = 0; i < workers.size(); ++i) {
    pulses.push_back({"worker " + std::to_string(i), workers[i]->heartbeat()});
  }
  pulses.push_back({"the store thread", store.heartbeat()});
  pulses.push_back({"the reader of bodies", reader.heartbeat()});
  pulses.push_back({"the reader of the queue", reader.scan_heartbeat(), true});
  pulses.push_back({"the copier of the queue", reader.copy_heartbeat(), true});
  pulses.push_back({"the TLS reporter", reporter.heartbeat()});
  return pulses;
}

}  // namespace posthaste::daemon
