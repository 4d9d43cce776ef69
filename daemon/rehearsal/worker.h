// Worker: one engine of a process of ours, and the sessions that it has opened.
//
// Lifetime     its Mta's.
// Does not     decide anything: it carries actions and events to and fro, and lets the Witness see
//              them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "daemon/rehearsal/outbound.h"
#include "lib/base/ids.h"
#include "lib/delivery/engine.h"
#include "queue/store.h"

namespace posthaste::rehearsal {

class Mta;

class Worker {
 public:
  // `number` of `workers`; ids at or below `after` are taken.
  Worker(Mta& mta, unsigned number, unsigned workers, MessageId after);

  Mta& mta() { return mta_; }
  delivery::Engine& engine() { return engine_; }
  IdSource& ids() { return ids_; }
  // An event for the engine; what it wants is carried out before this returns, or when pump() is
  // called.
  void tell(delivery::Event event);
  void note(delivery::Event event);
  void pump();
  // `answer`: Accepted or Refused for an Accept with the ticket that is returned.
  std::uint64_t expect_answer(std::function<void(const queue::StoreEvent&)> answer);
  void retire(ConnId conn);
  // The process has died.
  void abandon();

 private:
  void apply(delivery::Action& action);
  void look_up(const dns::Question& question);
  void open(delivery::Connect& connect);
  void tell_sts(const RoutingDomain& domain);
  void say(MessageId id, const delivery::Settlement& settlement);
  void on_persist(const delivery::Persist& persist);
  std::optional<queue::Accept> notification(const delivery::Persist& persist);
  void watch_engine();

  Mta& mta_;
  const unsigned number_;
  IdSource ids_;
  delivery::Engine engine_;
  std::map<ConnId, std::shared_ptr<Outbound>> outbound_;
  std::vector<delivery::Event> events_;
  bool pumping_ = false;
  Instant watched_ = kNever;
};

}  // namespace posthaste::rehearsal
