// Checker: the promises, checked at every step, from what the peers, the store and the operator
// saw, not from what the engine says.
//
//   checker.cc        Every accepted recipient is delivered, bounced (and told of, where that is
//                     due) or queued; what a restart finds is what was stored.
//   checker_calls.cc  Delivered twice only after a loss behind the final dot, or a crash before it
//                     was durable. No limit is exceeded; no attempt comes before its time, or twice
//                     at a time; nobody is called during a back-off.
//   checker_time.cc   Who is deferred is due again as the schedule for the reason has it. Nobody
//                     expires early, or is kept beyond his time, or comes to hear too early,
//                     too late or twice that his mail is late.
//   checker_steer.cc  What the operator holds or suspends is not tried, what he removes ends
//                     without a word, and nothing else ends by his word.
//   checker_flow.cc   Higher priority goes first; who has enough of us sees less of us, and who
//                     comes back after an outage more of us step by step.
//   checker_tls.cc    Plaintext only where policy allows it, no mail below its effective level (by
//                     tls_truth.h), no young mail in plaintext where handshakes fail, no belief
//                     in a strip.
//
// In the end everything is settled: see simulation.cc.
//
// Lifetime     the seed's; outlives every process of ours. Threads: none.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

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
  // ---- what the engine comes to hear of the queue
  void on_entry(const delivery::Entry& entry);
  void on_arrived(const mail::Letter& letter);
  void on_load(const delivery::Load& load);
  void on_loaded(const mail::Letter& letter);
  void on_not_loaded(const delivery::NotLoaded& missing);
  void on_persisted(const delivery::Persisted& persisted);
  // ---- conversations
  void on_connect(const delivery::Connect& connect);
  void on_ready(ConnId conn, bool verified);
  // The peer has read MAIL.
  void on_mail(ConnId conn, const Attempt& attempt, const Shown& shown);
  void on_leaving(ConnId conn);
  void on_closed(ConnId conn);
  std::shared_ptr<Attempt> on_deliver(const delivery::Deliver& deliver);
  void on_finished(ConnId conn, const smtp::TransactionResult& result);
  void on_failed(ConnId conn, const smtp::SessionFailure& failure);
  void on_tls_failure(const delivery::Connect& connect, policy::TlsFailure failure);
  void on_backed_off(const delivery::BackedOff& event);
  // The peer has read all of the content, and took the message for these addresses.
  void on_content(const Attempt& attempt, const std::string& content);
  void on_taken(Attempt& attempt, const std::vector<std::string>& addresses);
  // ---- the operator; before the engines hear of it
  void on_steer(const delivery::Steer& steer);
  void on_suspended(std::shared_ptr<const policy::Suspensions> suspensions);
  // ---- the process
  void on_crash();
  void on_reconfigured();
  // The next process finds the clock changed.
  void on_clock_stepped() { stepped_ = world_.now(); }

  // How many recipients are still queued, and how many of them are held.
  std::size_t queued() const { return queued_; }
  std::size_t held() const;
  std::uint64_t delivered() const { return delivered_; }
  std::uint64_t ended_undelivered() const { return bounced_; }
  const std::string& body_of(MessageId id) const { return bodies_.at(id); }
  const std::map<MessageId, std::string>& messages() const { return bodies_; }

 private:
  using Key = std::pair<MessageId, std::uint16_t>;
  enum class Fate : std::uint8_t { kQueued, kDelivered, kBounced };
  // What the operator wants of him, as far as that is certain and not yet durable.
  enum class Claim : std::uint8_t { kNone, kHold, kEnd };
  struct Track {
    mail::Recipient recipient;
    std::shared_ptr<const mail::Envelope> envelope;
    std::string domain;
    Fate fate = Fate::kQueued;
    mail::Progress stored;  // as the store has it
    Instant due;            // not before; `stored.due`, or earlier by the operator's word
    bool known = false;     // the engine has heard of him, and of his last fate
    bool under_way = false;
    bool unsettled = false;  // his fate is on its way to the store
    bool loading = false;    // his letter is looked for
    bool removing = false;   // which is that the operator has removed him
    Instant tried_until;     // when the last attempt ended
    unsigned taken = 0;      // by a peer
    unsigned excused = 0;    // of these: nobody could know
    std::weak_ptr<Attempt> attempt;
    Claim claim = Claim::kNone;
    std::set<delivery::SteerVerb> words;  // of the operator, that may have reached him
    bool removed = false;                 // by the operator, and that is durable
    bool hastened = false;                // by the operator, who named the message
    Instant released;                     // by the operator
    Instant unreadable;                   // until then nobody need look for it
    std::set<Key> overtakers;             // mail of lower priority, since he could go
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
    Instant ordered;  // what it carries: just before that
  };
  struct BackOff {
    Instant since, until;
  };
  // What a domain has had of us.
  struct Pace {
    std::deque<Instant> messages, calls;
    std::map<mail::TlsWish, BackOff> back_offs;
    std::map<mail::TlsWish, std::size_t> comebacks;  // verdicts since it was down
    std::map<mail::TlsWish, Instant> last_up;        // when the last one to go was up
    std::deque<Instant> sent;                        // transactions of the last two minutes
    Instant had_enough;                              // when it last said so; the epoch: it has not
    std::size_t sent_before = 0;                     // in the two minutes before
    std::size_t open_before = 0;                     // connections of the worker just then
    Instant calls_refused;                           // by a 421; the epoch: never
    std::size_t open_when_refused = 0;
  };
  // One suspension, as long as it held.
  struct Stop {
    policy::Suspension suspension;
    Instant until;  // lapsed, or taken back
  };
  std::string name(const Key& key) const;

  // ---- checker.cc
  void excuse(const delivery::Settlement& settlement, const Key& key);
  void check_bounce(const delivery::Settlement& settlement, const Key& key);
  void check_settlement(const delivery::Settlement& settlement, const Key& key, bool dsn);
  static policy::OnTlsFailure choice(policy::TlsFailure failure, const policy::TlsPolicy& policy);
  // ---- checker_calls.cc
  void check_rate(std::deque<Instant>& times, const delivery::Rate& rate, const std::string& what);
  static mail::TlsWish wish_of(const mail::Envelope& envelope);
  void check_limits(const delivery::Connect& connect);
  void check_attempt(const Key& key, const Call& call);
  // ---- checker_time.cc
  policy::RetryPolicy retry_of(const Track& track) const;
  Instant begins(const Key& key, const Track& track) const;
  Instant expiry(const Key& key, const Track& track) const;
  bool may_be_told(const Track& track) const;
  Instant notice(const Key& key, const Track& track) const;
  void check_times(const delivery::Settlement& settlement, const Key& key, bool dsn);
  bool plaintext_opens(const Key& key, const Track& track, Instant due) const;
  void check_due(const delivery::Settlement& settlement, const Key& key) const;
  void check_notice(const delivery::Settlement& settlement, const Key& key, bool dsn);
  void watch_times(const Key& key);
  void check_late(const Key& key);
  // ---- checker_steer.cc
  bool may_select(const delivery::Selection& selection, const Key& key, const Track& track) const;
  bool surely_selects(const delivery::Steer& steer, const Key& key, const Track& track) const;
  void check_steered(const delivery::Settlement& settlement, const Key& key, bool dsn);
  static bool covers(const policy::Suspension& one, const Track& track);
  bool stopped(const Track& track, Duration for_at_least) const;
  bool host_stopped(const MxName& host) const;
  Instant free_since(const Track& track) const;
  bool resumed_since(Instant then) const;
  Instant held_until(const Track& track) const;
  void check_stopped(const Key& key, const Track& track);
  // ---- checker_flow.cc
  void check_priority(const Key& key, const Call& call);
  void note_refused_call(const Call& call, const smtp::Reply& reply);
  void note_verdicts(const Call& call, const smtp::TransactionResult& result);
  void check_slowed(const std::string& domain);
  void check_share(const std::string& domain) const;
  void note_mail(const Track& track);
  void check_comeback(const std::string& domain, mail::TlsWish wish) const;
  bool could_go_first(const Key& key, const Track& track, const Call& call) const;
  // ---- checker_tls.cc
  std::vector<TlsVersion> tls_of(const Call& call) const;
  void check_plaintext(const Call& call);
  bool could_go(const Call& call, mail::TlsWish wish, const Shown& shown) const;

  World& world_;
  const Scenario& scenario_;
  std::map<Key, Track> tracks_;
  std::map<MessageId, std::string> bodies_;
  std::map<ConnId, Call> calls_;
  std::map<std::string, Pace> paces_;
  std::map<Endpoint, std::set<policy::TlsFailure>> tls_failures_;  // what it has shown so far
  // Until when the strip guard knows a host that has shown verified TLS, and since when.
  std::map<std::pair<MxName, std::uint16_t>, std::pair<Instant, Instant>> shown_verified_;
  std::shared_ptr<const policy::Suspensions> suspensions_ =
      std::make_shared<const policy::Suspensions>();
  std::vector<Stop> stops_;
  Instant reloaded_, stepped_;
  std::size_t queued_ = 0;
  std::uint64_t delivered_ = 0, bounced_ = 0;
};

}  // namespace posthaste::sim
