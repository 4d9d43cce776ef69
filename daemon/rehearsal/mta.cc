#include "daemon/rehearsal/mta.h"

#include <algorithm>
#include <utility>

#include "lib/base/check.h"

namespace posthaste::rehearsal {
namespace {

constexpr Duration kMailBetweenWorkers = std::chrono::milliseconds(1);

}  // namespace

Mta::Mta(World& world, Witness& witness, Outside& outside,
         std::shared_ptr<const delivery::Options> options, Notes& notes,
         std::unique_ptr<queue::MemoryStore> store, unsigned workers)
    : world_(world),
      witness_(witness),
      outside_(outside),
      options_(std::move(options)),
      notes_(notes),
      store_(std::move(store)),
      posted_until_(workers) {
  CHECK(workers > 0 && workers <= 256);
  for (unsigned i = 0; i < workers; ++i) {
    workers_.push_back(std::make_unique<Worker>(*this, i, workers, store_->last_id()));
  }
}

void Mta::start() {
  world_.say("process starts; {} recipients in the store", store_->recipients());
  notes_.for_each([&](bool shown, const auto& key, const auto& value, Instant expires) {
    tell(delivery::Remembered{shown, key, value, expires});
  });
  gain();
}

std::unique_ptr<queue::MemoryStore> Mta::die() {
  world_.say("process dies");
  alive_ = false;
  for (const auto& worker : workers_) worker->abandon();
  answers_.clear();
  witness_.on_died();
  return store_->crash();
}

void Mta::reconfigure(std::shared_ptr<const delivery::Options> options) {
  world_.say("reload");
  options_ = std::move(options);
  witness_.on_reconfigured();
  tell(delivery::Reconfigured{options_});
}

bool Mta::quiet() const {
  return std::all_of(workers_.begin(), workers_.end(),
                     [](const auto& worker) { return worker->engine().quiet(); });
}

delivery::Counts Mta::counts() const {
  delivery::Counts sum;
  for (const auto& worker : workers_) {
    const delivery::Counts one = worker->engine().counts();
    sum.waiting += one.waiting;
    sum.ready += one.ready;
    sum.in_flight += one.in_flight;
    sum.held += one.held;
    sum.suspended += one.suspended;
    sum.connections += one.connections;
    sum.destinations += one.destinations;
  }
  return sum;
}

Instant Mta::oldest() const {
  Instant oldest = kNever;
  for (const auto& worker : workers_) oldest = std::min(oldest, worker->engine().oldest());
  return oldest;
}

void Mta::tell(const delivery::Event& event) {
  for (const auto& worker : workers_) worker->tell(event);
}

// A host that one worker has seen verified is watched by all, as soon as mail between them arrives.
void Mta::remember(const delivery::Remember& note) {
  notes_.take(note);
  if (!note.shown || note.drop || workers_.size() == 1) return;
  soon(kMailBetweenWorkers, [this, known = delivery::Remembered{true, note.key, note.value,
                                                                note.expires}] { tell(known); });
}

void Mta::at(Instant when, std::function<void()> what) {
  world_.at(when, [weak = weak_from_this(), what = std::move(what)] {
    if (const auto self = weak.lock(); self && self->alive_) what();
  });
}

}  // namespace posthaste::rehearsal
