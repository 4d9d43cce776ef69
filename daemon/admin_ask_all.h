// ask_all: one question for every worker, and an answer when the last has done its part.
//
// Threads      the admin's; each worker does its part in its own.
// Limits       a worker that hangs leaves its asker without an answer: see CensusTaker for one that
//              is named.
// Does not     know what is asked.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "daemon/admin_return_address.h"

namespace posthaste::daemon {

class Worker;

// `each` in the workers' threads, all at once; `done` where `home` leads to.
void ask_all(const std::vector<Worker*>& workers, std::shared_ptr<ReturnAddress> home,
             std::function<void(Worker&, std::size_t index)> each, std::function<void()> done);

}  // namespace posthaste::daemon
