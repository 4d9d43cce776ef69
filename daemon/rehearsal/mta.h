// Mta: one process of ours: its workers and its store thread, as the daemon puts them together.
//
// Lifetime     from start to crash or exit; what is still under way for it then finds nobody. The
//              next one begins with what the store has, and may have another number of workers.
// Does not     decide anything: it carries requests and events to and fro, and lets the Witness see
//              them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "daemon/rehearsal/notes.h"
#include "daemon/rehearsal/outside.h"
#include "daemon/rehearsal/witness.h"
#include "daemon/rehearsal/worker.h"
#include "daemon/rehearsal/world.h"
#include "queue/memory_store.h"

namespace posthaste::rehearsal {

class Mta : public std::enable_shared_from_this<Mta> {
 public:
  // REQUIRES 1 to 256 workers.
  Mta(World& world, Witness& witness, Outside& outside,
      std::shared_ptr<const delivery::Options> options, Notes& notes,
      std::unique_ptr<queue::MemoryStore> store, unsigned workers = 1);
  void start();
  // Everything that is not in the store is gone. Returns the store as the next process finds it.
  std::unique_ptr<queue::MemoryStore> die();
  void shut_down() { tell(delivery::ShutDown{}); }
  void reconfigure(std::shared_ptr<const delivery::Options> options);
  bool quiet() const;
  delivery::Counts counts() const;
  Instant oldest() const;
  bool alive() const { return alive_; }

  unsigned workers() const { return static_cast<unsigned>(workers_.size()); }
  Worker& worker(unsigned number) { return *workers_[number]; }
  unsigned owner_of(ShardId shard) const { return static_cast<unsigned>(shard % workers_.size()); }
  Worker& worker_of(ShardId shard) { return *workers_[owner_of(shard)]; }
  queue::MemoryStore& store() { return *store_; }
  World& world() { return world_; }
  Witness& witness() { return witness_; }
  Outside& outside() { return outside_; }
  const delivery::Options& options() const { return *options_; }
  const std::shared_ptr<const delivery::Options>& shared_options() const { return options_; }

  // Something for every worker.
  void tell(const delivery::Event& event);
  // A request for the store thread.
  void ask_store(queue::Request request);
  // Answers go to that worker, in the order of all that it hears of the store.
  std::uint64_t expect_answer(unsigned worker,
                              std::function<void(const queue::StoreEvent&)> answer);
  void remember(const delivery::Remember& note);
  // What a domain publishes has changed.
  void on_sts_changed(const RoutingDomain& domain) { tell(delivery::StsChanged{domain}); }
  // Calls it unless we are dead by then.
  void at(Instant when, std::function<void()> what);
  void soon(Duration wait, std::function<void()> what) { at(world_.now() + wait, std::move(what)); }

  // At the end of a run: nobody is answered any more.
  void forget_askers() { answers_.clear(); }

 private:
  void gain();
  void commit();
  void post(std::vector<queue::StoreEvent>& events);
  unsigned addressee(const queue::StoreEvent& event) const;
  void on_store_event(queue::StoreEvent& event);
  void on_not_settled(queue::NotSettled& event);
  void hand_to_engine(queue::StoreEvent& event);

  World& world_;
  Witness& witness_;
  Outside& outside_;
  std::shared_ptr<const delivery::Options> options_;
  Notes& notes_;
  std::unique_ptr<queue::MemoryStore> store_;
  std::vector<std::unique_ptr<Worker>> workers_;
  bool alive_ = true;

  std::vector<queue::Request> requests_;
  bool committing_ = false;
  std::vector<Instant> posted_until_;  // by worker: until when events are on their way to it
  std::uint64_t tickets_ = 0;
  std::map<std::uint64_t, std::function<void(const queue::StoreEvent&)>> answers_;
  bool store_troubled_ = false;
};

}  // namespace posthaste::rehearsal
