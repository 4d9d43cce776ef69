// StsDriver: carries out what a worker's sts::Cache wants: TXT questions, policies over HTTPS, and
// notes in the store, so that a policy outlives a restart.
//
// Lifetime     its worker's; not longer than what it is made with.
// Threads      its worker's.
// Limits       those of sts::Cache and https::Client.
// Implements   RFC 8461 §3.3 with the system's roots, or tls.mta_sts_ca_file.
// Does not     decide when to ask, or apply a policy. See lib/policy/mta_sts_cache.h.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "daemon/deadlines.h"
#include "daemon/https_fetcher.h"
#include "daemon/log.h"
#include "daemon/metrics.h"
#include "daemon/store_thread.h"
#include "daemon/wiring.h"
#include "lib/delivery/engine.h"
#include "lib/io/loop.h"
#include "lib/policy/mta_sts_cache.h"
#include "lib/resolver/resolver.h"

namespace posthaste::daemon {

class StsDriver final : public Deadlines::Item {
 public:
  struct House {
    io::Loop& loop;
    Deadlines& deadlines;
    resolver::Resolver& resolver;
    HttpsFetcher& fetcher;
    StoreThread& store;
    Metrics& metrics;
    Log& log;
  };
  // StsKnown or StsChanged; may come from inside want() and the others here, which it may call.
  using Tell = std::function<void(delivery::Event event)>;
  // A policy that could not be had, or had again, as RFC 8460 wants to hear of it.
  using Report = std::function<void(const RoutingDomain& domain, policy::sts::Problem problem)>;

  StsDriver(House house, std::shared_ptr<const Runtime> runtime, Rng rng, Tell tell, Report report);
  ~StsDriver() override;

  void reconfigure(std::shared_ptr<const Runtime> runtime) { runtime_ = std::move(runtime); }
  // What an earlier process has kept of the domains that are `ours`.
  void restore(const std::function<bool(const RoutingDomain&)>& ours);
  // Answered by one StsKnown.
  void want(const RoutingDomain& domain);
  // MX names hosts that the policy does not: there may be a newer one (RFC 8461 §5.1).
  void doubt(const RoutingDomain& domain);
  void forget(const RoutingDomain& domain);
  // What is held now; nullptr: nothing. Valid until the loop goes on.
  const policy::StsRecord* find(const RoutingDomain& domain) const { return cache_.find(domain); }
  std::size_t policies() const { return cache_.policies(); }

  Instant deadline() const override { return cache_.deadline(); }
  void on_deadline() override;

 private:
  void handle(policy::sts::Event event);
  void carry_out(policy::sts::Action& action);
  void ask_txt(const policy::sts::AskTxt& ask);
  void on_txt(const RoutingDomain& domain, const dns::Answer& answer);
  void fetch(const policy::sts::Fetch& wanted);
  void on_failed(const policy::sts::Failed& failed);

  const House house_;
  std::shared_ptr<const Runtime> runtime_;
  const Tell tell_;
  const Report report_;
  policy::sts::Cache cache_;
  policy::sts::Actions actions_;
  bool draining_ = false;
};

}  // namespace posthaste::daemon
