#include "daemon/admin_ask_all.h"

#include <atomic>

#include "daemon/worker.h"

namespace posthaste::daemon {

void ask_all(const std::vector<Worker*>& workers, std::shared_ptr<ReturnAddress> home,
             std::function<void(Worker&, std::size_t index)> each, std::function<void()> done) {
  if (workers.empty()) return home->send(done);
  const auto left = std::make_shared<std::atomic<std::size_t>>(workers.size());
  for (std::size_t index = 0; index < workers.size(); ++index) {
    workers[index]->post([each, done, left, index, home](Worker& worker) {
      each(worker, index);
      if (left->fetch_sub(1) == 1) home->send(done);
    });
  }
}

}  // namespace posthaste::daemon
