#include "daemon/admin_census.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "daemon/worker.h"

namespace posthaste::daemon {
namespace {

std::uint64_t recipients(const delivery::DestinationView& destination) {
  return destination.waiting + destination.ready + destination.in_flight + destination.held +
         destination.suspended;
}

bool bigger(const delivery::DestinationView& a, const delivery::DestinationView& b) {
  if (recipients(a) != recipients(b)) return recipients(a) > recipients(b);
  return a.domain < b.domain;
}

void keep_biggest(std::vector<delivery::DestinationView>& destinations, std::size_t max) {
  std::sort(destinations.begin(), destinations.end(), bigger);
  if (destinations.size() > max) destinations.resize(max);
}

void count_destinations(const Worker& worker, std::size_t max, Census& census) {
  const auto due = worker.engine().due_by_class(worker.now());
  for (std::size_t row = 0; row < due.size(); ++row) {
    for (std::size_t i = 0; i < due[row].size(); ++i) census.due_by_class[row][i] += due[row][i];
  }
  auto& kept = census.destinations;
  worker.engine().for_each_destination([&](const delivery::DestinationView& destination) {
    for (std::size_t i = 0; i < policy::kRetryClasses; ++i) {
      census.waiting_by_class[i] += destination.waiting_by_class[i];
    }
    kept.push_back(destination);
    // Sorted now and then, so that memory stays within a few times what is asked for.
    if (kept.size() >= 4 * max + 1024) keep_biggest(kept, max);
  });
  keep_biggest(kept, max);
}

}  // namespace

// Belongs to one thread at a time: to the worker that it was posted to, then to the admin.
struct CensusTaker::Sheet {
  std::vector<Worker*> route;
  std::size_t destinations_max = 0;
  std::shared_ptr<ReturnAddress> home;
  ReturnAddress::Work on_return;
  Census census;
  std::atomic<std::size_t> at{0};  // which worker has it; read by the admin meanwhile
};

CensusTaker::CensusTaker(io::Loop& loop, std::vector<Worker*> workers,
                         std::shared_ptr<ReturnAddress> home)
    : loop_(loop),
      workers_(std::move(workers)),
      home_(std::move(home)),
      timer_(loop, [this] { on_timer(); }) {}

CensusTaker::~CensusTaker() = default;

void CensusTaker::take(std::size_t destinations_max, Done done) {
  const std::uint64_t number = ++last_round_;
  auto sheet = std::make_shared<Sheet>();
  sheet->route = workers_;
  sheet->destinations_max = destinations_max;
  sheet->home = home_;
  sheet->on_return = [this, number] { come_home(number); };
  const Instant give_up = loop_.now() + kPatience;
  if (rounds_.empty()) timer_.set(give_up);
  rounds_.emplace(number, Round{sheet, std::move(done), give_up});
  pass_on(sheet);
}

void CensusTaker::pass_on(const std::shared_ptr<Sheet>& sheet) {
  const std::size_t next = sheet->at.load(std::memory_order_relaxed);
  if (next == sheet->route.size()) return sheet->home->send(sheet->on_return);
  sheet->route[next]->post([sheet](Worker& worker) {
    worker.add_to(sheet->census.snapshot);
    if (sheet->destinations_max > 0) {
      count_destinations(worker, sheet->destinations_max, sheet->census);
    }
    sheet->at.fetch_add(1, std::memory_order_relaxed);
    pass_on(sheet);
  });
}

void CensusTaker::come_home(std::uint64_t number) {
  const auto found = rounds_.find(number);
  if (found == rounds_.end()) return;  // too late
  const Round round = std::move(found->second);
  rounds_.erase(found);
  round.done(std::move(round.sheet->census));
}

void CensusTaker::on_timer() {
  const Instant now = loop_.now();
  while (!rounds_.empty() && rounds_.begin()->second.give_up <= now) {
    const Round round = std::move(rounds_.begin()->second);
    rounds_.erase(rounds_.begin());
    const auto at = round.sheet->at.load(std::memory_order_relaxed);
    round.done(fail(ErrorCode::kTimeout, "worker " + std::to_string(at) + " does not answer"));
  }
  timer_.set(rounds_.empty() ? kNever : rounds_.begin()->second.give_up);
}

}  // namespace posthaste::daemon
