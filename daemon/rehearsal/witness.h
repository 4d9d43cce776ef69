// Witness: who looks on while a process of ours runs in a pretend world, and may put a hand in, at
// the seams between engine, sessions, store and network: an operator's rehearsal counts here, the
// simulator checks and plants its bugs. By itself it sees nothing and changes nothing.
//
// Lifetime     the run's.
#pragma once

#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "daemon/rehearsal/host.h"
#include "lib/delivery/engine.h"
#include "queue/memory_store.h"
#include "queue/store.h"

namespace posthaste::rehearsal {

// One transaction as it was ordered, shared by all who have to do with it.
struct Attempt {
  std::shared_ptr<const mail::Envelope> envelope;
  std::vector<mail::Recipient> recipients;
  std::string body;
  std::set<std::uint16_t> maybe;  // settled as "maybe delivered"
  bool crashed = false;
};

class Witness {
 public:
  virtual ~Witness() = default;

  // ---- what passes; false: it never arrives
  virtual bool on_event(delivery::Event& /*event*/) { return true; }
  virtual bool on_action(delivery::Action& /*action*/) { return true; }
  // Who is told of a recipient that the store has; it ought to be the worker that owns its shard.
  virtual unsigned on_routed(unsigned owner, unsigned /*workers*/) { return owner; }
  virtual bool on_settle(const delivery::Persist& /*persist*/, queue::Settle& /*settle*/) {
    return true;
  }
  // ---- the store thread: before a commit, and when it is durable
  virtual void on_commit(std::span<const queue::Request> /*batch*/) {}
  virtual void on_committed(std::span<const queue::StoreEvent> /*events*/,
                            const queue::MemoryStore& /*store*/) {}
  // ---- a session of ours
  virtual void on_session(const delivery::Connect& /*connect*/, smtp::ClientOptions& /*options*/) {}
  virtual void on_read(std::string& /*bytes*/) {}
  virtual void on_write(std::string& /*bytes*/) {}
  // What the host is to expect, and what the session is told.
  virtual std::shared_ptr<Attempt> on_deliver(const delivery::Deliver& deliver,
                                              smtp::Transaction& /*transaction*/) {
    return std::make_shared<Attempt>(
        Attempt{deliver.letter->envelope, deliver.recipients, {}, {}, false});
  }
  virtual policy::TlsFailure on_judged(policy::TlsFailure failure) { return failure; }
  // ---- the process
  virtual void on_died() {}
  virtual void on_reconfigured() {}
  // ---- a host: it has read MAIL, all of the content, and made the message its own
  virtual void on_mail(ConnId /*conn*/, const Attempt& /*attempt*/, const Shown& /*shown*/) {}
  virtual void on_content(const Attempt& /*attempt*/, const std::string& /*content*/) {}
  virtual void on_taken(Attempt& /*attempt*/, const std::vector<std::string>& /*addresses*/) {}
};

}  // namespace posthaste::rehearsal
