// Checker: the promises, checked at every step, from what the peers and the store saw, not from
// what the engine says.
//
//   * Every accepted recipient is delivered, bounced (and told of, where that is due) or queued.
//   * Delivered twice only after a loss behind the final dot, or a crash before it was durable.
//   * No limit is exceeded; no attempt comes before its time, or twice at a time.
//   * Nobody is called during a back-off, expires early, or is kept beyond his time.
//   * Plaintext only where policy allows it, no mail below its effective level (by tls_truth.h), no
//     young mail in plaintext where handshakes fail, no belief in a strip. In the end everything is
//     settled.
//
// Lifetime     the seed's; outlives every process of ours. Threads: none.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "daemon/rehearsal/witness.h"
#include "lib/delivery/engine.h"
#include "queue/store.h"
#include "tests/sim/scenario.h"

namespace posthaste::sim {

using rehearsal::Attempt;

class Checker {
 public:
  Checker(World& world, const Scenario& scenario) : world_(world), scenario_(scenario) {}

  // ---- the queue
  void on_accepted(const queue::Accept& accept, std::string body);
  // The submitter has its 250.
  void on_acknowledged(MessageId id, const std::string& content);
  void on_persist(const delivery::Persist& persist, const queue::Settle& settle);
  void on_settled(const queue::Settled& settled);
  // ---- conversations
  void on_connect(const delivery::Connect& connect);
  void on_ready(ConnId conn, bool verified);
  // The peer has read MAIL.
  void on_mail(ConnId conn, const Attempt& attempt, const Shown& shown);
  void on_leaving(ConnId conn);
  void on_closed(ConnId conn);
  std::shared_ptr<Attempt> on_deliver(const delivery::Deliver& deliver);
  void on_finished(ConnId conn);
  void on_tls_failure(const delivery::Connect& connect, policy::TlsFailure failure);
  void on_backed_off(const delivery::BackedOff& event);
  // The peer has read all of the content, and took the message for these addresses.
  void on_content(const Attempt& attempt, const std::string& content);
  void on_taken(Attempt& attempt, const std::vector<std::string>& addresses);
  // ---- the process
  void on_crash();
  void on_reconfigured();

  // How many recipients are still queued.
  std::size_t queued() const { return queued_; }
  std::uint64_t delivered() const { return delivered_; }
  std::uint64_t ended_undelivered() const { return bounced_; }
  const std::string& body_of(MessageId id) const { return bodies_.at(id); }

 private:
  using Key = std::pair<MessageId, std::uint16_t>;
  enum class Fate { kQueued, kDelivered, kBounced };
  struct Track {
    mail::Recipient recipient;
    std::shared_ptr<const mail::Envelope> envelope;
    Fate fate = Fate::kQueued;
    Instant due;
    bool under_way = false;
    bool unsettled = false;  // its fate is on its way to the store
    unsigned taken = 0;      // by a peer
    unsigned excused = 0;    // of these: nobody could know
    std::weak_ptr<Attempt> attempt;
  };
  struct Call {
    std::string domain;
    enum class State { kOpening, kUp, kLeaving } state = State::kOpening;
    unsigned messages = 0;
    std::vector<Key> under_way;
    mail::TlsWish wish = mail::TlsWish::kPolicy;
    MxName host;
    Endpoint endpoint;
    bool stepped_down = false;  // in plaintext, because TLS failed before
    bool verified = false;
    Instant began;
  };
  struct Pace {
    std::deque<Instant> messages, calls;
    std::map<mail::TlsWish, Instant> backed_off_until;
  };
  std::string name(const Key& key) const;
  void excuse(const delivery::Settlement& settlement, const Key& key);
  void check_bounce(const delivery::Settlement& settlement, const Key& key);
  void check_settlement(const delivery::Settlement& settlement, const Key& key, bool dsn);
  void check_rate(std::deque<Instant>& times, const delivery::Rate& rate, const std::string& what);
  void check_plaintext(const Call& call, const policy::TlsPolicy& policy);
  bool could_go(const Call& call, mail::TlsWish wish, const Shown& shown) const;
  static policy::OnTlsFailure choice(policy::TlsFailure failure, const policy::TlsPolicy& policy);

  World& world_;
  const Scenario& scenario_;
  std::map<Key, Track> tracks_;
  std::map<MessageId, std::string> bodies_;
  std::map<ConnId, Call> calls_;
  std::map<std::string, Pace> paces_;
  std::map<Endpoint, std::set<policy::TlsFailure>> tls_failures_;  // what it has shown so far
  // Until when the strip guard knows a host that has shown verified TLS, and since when.
  std::map<std::pair<MxName, std::uint16_t>, std::pair<Instant, Instant>> shown_verified_;
  std::size_t queued_ = 0;
  std::uint64_t delivered_ = 0, bounced_ = 0;
};

}  // namespace posthaste::sim
