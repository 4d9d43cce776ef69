// Engine: decides which recipients are tried when, over which connection, and what becomes of them.
//
//   entry --due--> ready --batch of one message--> staged [Load] --connection--> Deliver
//     ^                                                                             |
//     '------ Persisted(deferred, next due) <--- Persist <--- settled <--- Finished '
//
// A destination is a routing domain and a wish about TLS. It has a route plan (hosts in preference
// order, each with its addresses and what it must show), a pool of connections and a back-off; the
// limits are its domain's, and its site's. While no connection of it is up, one goes ahead as a
// probe and walks the plan; once one is up, more are opened to the host that answered, up to the
// limit: at once, or, where it had been down, as mail is taken.
//
// Lifetime     one worker. Threads: none. Randomness: the Rng given. Clock: the `now` given.
// Memory       an entry that only waits costs at most 48 bytes (40, see schedule.h); what is being
//              delivered is held whole.
// Implements   RFC 5321 §4.5.4, §5.1 (routes); RFC 7505 (null MX); fail-over under a TLS policy.
// Does not     speak SMTP, resolve, store, open sockets, render DSNs. It emits actions and receives
//              events.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "lib/base/rng.h"
#include "lib/base/time.h"
#include "lib/delivery/action.h"
#include "lib/delivery/event.h"
#include "lib/delivery/options.h"
#include "lib/delivery/view.h"

namespace posthaste::delivery {

class Engine {
 public:
  Engine(std::shared_ptr<const Options> options, Rng rng, Instant now);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Appends to `out`; never calls out.
  void handle(Event event, Instant now, Actions& out);
  Instant deadline() const;

  Counts counts() const;
  DueHistogram due(Instant now) const;  // O(entries); for the admin's use, a few times a minute
  DueByClass due_by_class(Instant now) const;  // likewise
  // Arrival of the oldest recipient that is not settled, rounded down to the second; kNever: none.
  // O(1).
  Instant oldest() const;
  // Each domain once, whatever its mail wishes of TLS.
  void for_each_destination(const std::function<void(const DestinationView&)>& visit) const;
  // Each domain whose mail stands still, as long as a suspension holds.
  void for_each_suspended(const std::function<void(const RoutingDomain&)>& visit) const;
  // Those that this worker has to do with just now.
  void for_each_site(const std::function<void(const SiteView&)>& visit) const;
  // nullopt: nothing is under way or known for that domain.
  std::optional<TlsView> tls_view(const RoutingDomain& domain, Instant now) const;
  void for_each_remembered(const std::function<void(const policy::TlsMemory::View&)>& visit) const;
  std::size_t remembered_count() const;  // O(1)
  // The same, as what another engine is told.
  std::vector<Remembered> remembered() const;
  // nullopt: that ticket is not known, or was too long ago.
  std::optional<SteeringView> steering(std::uint64_t ticket) const;
  // True once ShutDown was handled and nothing is in flight any more.
  bool quiet() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace posthaste::delivery
