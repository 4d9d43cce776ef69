// Shared: what the destinations of one worker have in common. Turn: one call of Engine::handle().
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <unordered_map>

#include "lib/base/rng.h"
#include "lib/delivery/agenda.h"
#include "lib/delivery/arrivals.h"
#include "lib/delivery/connection.h"
#include "lib/delivery/engine.h"
#include "lib/delivery/ledger.h"
#include "lib/delivery/quota.h"
#include "lib/delivery/site.h"
#include "lib/delivery/steering.h"

namespace posthaste::delivery {

struct Shared {
  Shared(std::shared_ptr<const Options> given, Rng seeded)
      : options(std::move(given)), rng(seeded), memory(Rng(rng.next())) {}

  std::shared_ptr<const Options> options;
  Rng rng;
  Agenda agenda;
  Arrivals arrivals;
  Loads loads;
  Unsettled unsettled;
  Questions questions;
  StsQuestions sts_questions;
  Steerings steerings;
  policy::TlsMemory memory;
  std::shared_ptr<const policy::Suspensions> suspensions = std::make_shared<policy::Suspensions>();
  std::unordered_map<ConnId, std::unique_ptr<Connection>> connections;
  std::unordered_map<RoutingDomain, std::shared_ptr<Quota>> quotas;
  std::unordered_map<std::string, std::shared_ptr<Site>> sites;
  std::list<Connection*> idle;         // every free connection, longest idle first
  Turns turns{Turns::Level::kWorker};  // for one of Options::connections_max
  std::size_t warm_bytes = 0;
  std::size_t busy = 0;  // connections with a transaction under way
  std::uint64_t connections_begun = 0;
  bool store_trouble = false;
  bool shutting_down = false;

  // Forgets the site if nobody is there any more.
  void release(const Site& site) {
    if (site.members == 0 && site.connections == 0) sites.erase(std::string(site.key()));
  }
  // Whoever waits for a connection gets one, in turn, as long as there are any.
  void feed(Turn& turn) {
    turns.feed([this] { return has_room(); }, turn);
  }
  bool has_room() const { return connections.size() < options->connections_max; }
  bool may_begin() const { return !store_trouble && !shutting_down; }
};

struct Turn {
  Shared& shared;
  const Instant now;
  Actions& out;

  const Options& options() const { return *shared.options; }
};

}  // namespace posthaste::delivery
