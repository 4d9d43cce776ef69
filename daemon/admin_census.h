// CensusTaker: asks every worker what it has at the moment, and adds it up.
//
// A sheet goes from worker to worker, each of them writes its part on it in its own thread, and it
// comes home to the admin's loop. A worker that keeps it for too long is named.
//
// Lifetime     the admin's. Threads: the admin's.
// Limits       kPatience for a round; as many rounds at a time as there are requests.
// Does not     render.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "daemon/admin_return_address.h"
#include "daemon/metrics.h"
#include "lib/delivery/engine.h"
#include "lib/io/loop.h"

namespace posthaste::daemon {

class Worker;

struct Census {
  Snapshot snapshot;  // the workers' part of it
  // With destinations only.
  std::array<std::uint64_t, policy::kRetryClasses> waiting_by_class{};
  delivery::DueByClass due_by_class{};
  std::vector<delivery::DestinationView> destinations;  // those with the most recipients first
};

class CensusTaker {
 public:
  static constexpr Duration kPatience = std::chrono::seconds(5);
  using Done = std::function<void(Result<Census>)>;

  CensusTaker(io::Loop& loop, std::vector<Worker*> workers, std::shared_ptr<ReturnAddress> home);
  ~CensusTaker();

  // `destinations_max`: how many of them to name; 0 spares the workers the walk over theirs.
  // Error: kTimeout, with the worker that does not answer.
  void take(std::size_t destinations_max, Done done);

 private:
  struct Sheet;
  struct Round {
    std::shared_ptr<Sheet> sheet;
    Done done;
    Instant give_up;
  };
  static void pass_on(const std::shared_ptr<Sheet>& sheet);
  void come_home(std::uint64_t number);
  void on_timer();

  io::Loop& loop_;
  const std::vector<Worker*> workers_;
  const std::shared_ptr<ReturnAddress> home_;
  io::Timer timer_;
  std::map<std::uint64_t, Round> rounds_;  // by number, so by age
  std::uint64_t last_round_ = 0;
};

}  // namespace posthaste::daemon
