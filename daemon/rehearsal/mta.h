// Mta: one process of ours: an engine, its sessions and its store thread, as the daemon puts them
// together.
//
// Lifetime     from start to crash or exit; what is still under way for it then finds nobody. The
//              next one begins with what the store has.
// Does not     decide anything: it carries actions and events to and fro, and lets the Witness see
//              them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "daemon/rehearsal/notes.h"
#include "daemon/rehearsal/outbound.h"
#include "daemon/rehearsal/outside.h"
#include "daemon/rehearsal/witness.h"
#include "daemon/rehearsal/world.h"
#include "lib/delivery/engine.h"
#include "lib/smtp/client_session.h"
#include "queue/memory_store.h"

namespace posthaste::rehearsal {

class Mta : public std::enable_shared_from_this<Mta> {
 public:
  Mta(World& world, Witness& witness, Outside& outside,
      std::shared_ptr<const delivery::Options> options, Notes& notes,
      std::unique_ptr<queue::MemoryStore> store);
  void start();
  // Everything that is not in the store is gone. Returns the store as the next process finds it.
  std::unique_ptr<queue::MemoryStore> die();
  void shut_down() { tell(delivery::ShutDown{}); }
  void reconfigure(std::shared_ptr<const delivery::Options> options);
  bool quiet() const { return engine_.quiet(); }
  bool alive() const { return alive_; }

  delivery::Engine& engine() { return engine_; }
  queue::MemoryStore& store() { return *store_; }
  IdSource& ids() { return ids_; }
  World& world() { return world_; }
  Witness& witness() { return witness_; }
  Outside& outside() { return outside_; }
  const delivery::Options& options() const { return *options_; }

  // An event for the engine; what it wants is carried out before this returns, or when pump() is
  // called.
  void tell(delivery::Event event);
  void note(delivery::Event event);
  void pump();
  // A request for the store thread. `answer`: Accepted or Refused for an Accept with a ticket.
  void ask_store(queue::Request request);
  std::uint64_t expect_answer(std::function<void(const queue::StoreEvent&)> answer);
  void retire(ConnId conn);
  // What a domain publishes has changed.
  void on_sts_changed(const RoutingDomain& domain) { tell(delivery::StsChanged{domain}); }
  // Calls it unless we are dead by then.
  void soon(Duration wait, std::function<void()> what);

  // At the end of a run: nobody is answered any more.
  void forget_askers() { answers_.clear(); }

 private:
  void apply(delivery::Action& action);
  void open(delivery::Connect& connect);
  void tell_sts(const RoutingDomain& domain);
  void on_persist(const delivery::Persist& persist);
  std::optional<queue::Accept> notification(const delivery::Persist& persist);
  void gain();
  void commit();
  void on_store_event(queue::StoreEvent& event);
  void on_not_settled(queue::NotSettled& event);
  void hand_to_engine(queue::StoreEvent& event);
  void watch_engine();

  World& world_;
  Witness& witness_;
  Outside& outside_;
  std::shared_ptr<const delivery::Options> options_;
  Notes& notes_;
  std::unique_ptr<queue::MemoryStore> store_;
  IdSource ids_;
  delivery::Engine engine_;
  std::map<ConnId, std::shared_ptr<Outbound>> outbound_;

  std::vector<delivery::Event> events_;
  bool pumping_ = false;
  bool alive_ = true;
  Instant watched_ = kNever;

  std::vector<queue::Request> requests_;
  bool committing_ = false;
  std::uint64_t tickets_ = 0;
  std::map<std::uint64_t, std::function<void(const queue::StoreEvent&)>> answers_;
  bool store_troubled_ = false;
};

}  // namespace posthaste::rehearsal
