// Saboteur: the Witness of a simulation: it shows the Checker what passes, and has the planted bug
// at work, if there is one.
//
// Lifetime     the seed's; outlives every process of ours.
#pragma once

#include <map>
#include <memory>
#include <set>

#include "daemon/rehearsal/witness.h"
#include "tests/sim/checker.h"
#include "tests/sim/mutation.h"

namespace posthaste::sim {

class Saboteur : public rehearsal::Witness {
 public:
  // `tls`: what was configured at first.
  Saboteur(World& world, Checker& checker, Mutation& mutation, policy::TlsPolicies tls)
      : world_(world), checker_(checker), mutation_(mutation), tls_at_first_(std::move(tls)) {}

  bool on_event(delivery::Event& event) override;
  bool on_action(delivery::Action& action) override;
  unsigned on_routed(unsigned owner, unsigned workers) override;
  bool on_settle(const delivery::Persist& persist, queue::Settle& settle) override;
  void on_commit(std::span<const queue::Request> batch) override;
  void on_committed(std::span<const queue::StoreEvent> events,
                    const queue::MemoryStore& store) override;
  void on_session(const delivery::Connect& connect, smtp::ClientOptions& options) override;
  void on_read(std::string& bytes) override;
  void on_write(std::string& bytes) override;
  std::shared_ptr<Attempt> on_deliver(const delivery::Deliver& deliver,
                                      smtp::Transaction& transaction) override;
  policy::TlsFailure on_judged(policy::TlsFailure failure) override;
  void on_died() override;
  void on_reconfigured() override { checker_.on_reconfigured(); }
  void on_mail(ConnId conn, const Attempt& attempt, const Shown& shown) override;
  void on_content(const Attempt& attempt, const std::string& content) override;
  void on_taken(Attempt& attempt, const std::vector<std::string>& addresses) override;

 private:
  void on_connect(delivery::Connect& connect);
  void on_ready(delivery::SessionReady& ready);
  void on_failed(delivery::SessionFailed& failed);
  void on_finished(delivery::SessionFinished& finished);
  bool on_order(delivery::Event& event);
  void keep_tls(delivery::Reconfigured& reconfigured) const;
  bool on_entry(delivery::Entry& entry);
  void on_letter(std::shared_ptr<const mail::Letter>& letter) const;
  void mutate(queue::Settle& settle);
  void keep_removed(const delivery::Persist& persist, queue::Settle& settle) const;

  World& world_;
  Checker& checker_;
  Mutation& mutation_;
  const policy::TlsPolicies tls_at_first_;
  std::map<ConnId, delivery::Connect> calls_;     // as they are made
  std::set<Endpoint> failed_;                     // where a handshake has
  std::map<std::uint64_t, queue::Accept> asked_;  // by ticket, of the commit that is under way
};

// What the engine is given: what the checkers hold it to, unless a wider limit or another policy is
// the planted bug.
std::shared_ptr<const delivery::Options> options_of(const Scenario& scenario,
                                                    const Mutation& mutation);

}  // namespace posthaste::sim
