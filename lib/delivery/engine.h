// Engine: decides which recipients are tried when, over which connection, and what becomes of them.
//
//   entry --due--> ready --batch of one message--> staged [Load] --connection--> Deliver
//     ^                                                                             |
//     '------ Persisted(deferred, next due) <--- Persist <--- settled <--- Finished '
//
// A destination is a routing domain. It has a route plan (hosts in preference order, each with its
// addresses), a pool of connections and a back-off. While no connection of it is up, one goes ahead
// as a probe and walks the plan; once one is up, more are opened to the host that answered, up to
// the limit.
//
// Lifetime     one worker. Threads: none. Randomness: the Rng given. Clock: the `now` given.
// Memory       an entry that only waits costs at most 48 bytes (40, see schedule.h); what is being
//              delivered is held whole.
// Implements   RFC 5321 §4.5.4, §5.1 (routes); RFC 7505 (null MX); fail-over under a TLS policy.
// Does not     speak SMTP, resolve, store, open sockets, render DSNs. It emits actions and receives
//              events.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "lib/base/ids.h"
#include "lib/base/ip.h"
#include "lib/base/names.h"
#include "lib/base/rng.h"
#include "lib/base/time.h"
#include "lib/delivery/options.h"
#include "lib/dns/answer.h"
#include "lib/mail/history.h"
#include "lib/mail/pending.h"
#include "lib/policy/retry_policy.h"
#include "lib/policy/tls_policy.h"
#include "lib/smtp/client_session.h"

namespace posthaste::delivery {

// ---- events ----
struct Entry {  // from a shard that was gained
  ShardId shard = 0;
  MessageId id;
  std::uint16_t number = 0;
  std::uint32_t revision = 0;
  std::uint32_t attempts = 0;
  Instant due;
  RoutingDomain domain;
  policy::RetryClass retry_class = policy::RetryClass::kOther;
};
struct Arrived {
  std::shared_ptr<const mail::Letter> letter;
};  // all its recipients are ours (one shard)
struct Loaded {
  MessageId id;
  std::shared_ptr<const mail::Letter> letter;
};
struct NotLoaded {
  ShardId shard = 0;
  MessageId id;
  Error error;
};  // kNotFound, kCorrupt: forget them (a broken one is set aside in the store); else: try again in
    // a minute
struct Answered {
  dns::Question question;
  dns::Answer answer;
};
struct SessionReady {
  ConnId conn;
  smtp::Capabilities capabilities;
  std::optional<policy::TlsFacts> tls;
};
struct SessionFinished {
  ConnId conn;
  smtp::TransactionResult result;
};
struct SessionFailed {
  ConnId conn;
  smtp::SessionFailure failure;
};
struct SessionClosed {
  ConnId conn;
};  // always the last word on a connection
// The fates that the store wrote (or, for `superseded`, those that somebody else had overtaken).
struct Persisted {
  ShardId shard = 0;
  MessageId id;
  std::vector<std::uint16_t> numbers;
};
struct StoreTrouble {
  bool trouble = false;
};  // true: outcomes cannot be stored; begin no delivery
struct Reconfigured {
  std::shared_ptr<const Options> options;
};
struct ShutDown {};  // begin nothing; let what is in flight finish; quit idle connections
struct Tick {};      // now >= deadline()
using Event = std::variant<Entry, Arrived, Loaded, NotLoaded, Answered, SessionReady,
                           SessionFinished, SessionFailed, SessionClosed, Persisted, StoreTrouble,
                           Reconfigured, ShutDown, Tick>;

// ---- actions ----
struct Lookup {
  dns::Question question;
};  // answered once by Answered
struct Load {
  ShardId shard = 0;
  MessageId id;
  std::vector<std::uint16_t> numbers;
  bool for_delivery = true;  // false: nobody will look at more than the header section, for a DSN
};
struct Connect {
  ConnId conn;
  Endpoint endpoint;
  MxName host;  // name for SNI, logs, metrics
  RoutingDomain domain;
  smtp::TlsNeed tls = smtp::TlsNeed::kIfOffered;
  bool implicit_tls = false;
  std::string profile;  // name of the TLS profile
  policy::TlsLevel level = policy::TlsLevel::kMay;
};
struct Deliver {
  ConnId conn;
  std::shared_ptr<const mail::Letter> letter;
  std::vector<mail::Recipient> recipients;
};
struct Quit {
  ConnId conn;
};

enum class Ending : std::uint8_t { kDelivered, kDeferred, kBounced, kExpired };
// The fate of one recipient, complete enough for store, DSN, log, metrics and trace.
struct Settlement {
  mail::PendingRecipient before;
  Ending ending = Ending::kDelivered;
  mail::Progress after;  // kDeferred: what to store (revision and attempts counted up)
  policy::RetryClass retry_class = policy::RetryClass::kOther;  // where not delivered
  smtp::Stage stage = smtp::Stage::kConnect;
  smtp::Reply reply;  // the peer's last word, untouched; code 0: none from the peer, text is ours
  // Of the DSN (RFC 3464 §2.3.4), always set where not delivered: 5.4.7 where the time was up,
  // whatever the peer had said.
  smtp::EnhancedCode status;
  policy::TlsFailure tls_failure = policy::TlsFailure::kNone;
  std::string host;  // "mx1.example.com[192.0.2.1]:25", empty when none was reached
  std::string tls;   // as in mail::HistoryEvent::tls
  bool maybe_delivered = false;
};
struct Persist {
  ShardId shard = 0;
  std::shared_ptr<const mail::Letter> letter;  // envelope for the DSN; its body may be incomplete
  std::vector<Settlement> settlements;
};
// For log and metrics: a step down that policy allowed.
struct FellBack {
  RoutingDomain domain;
  MxName host;
  policy::TlsFailure reason;
};
// For log: a destination as a whole cannot be reached until then.
struct BackedOff {
  RoutingDomain domain;
  Instant until;
  policy::RetryClass retry_class;
  std::string words;
};
using Action = std::variant<Lookup, Load, Connect, Deliver, Quit, Persist, FellBack, BackedOff>;
using Actions = std::vector<Action>;

// What `posthaste schedule`, /metrics and the tests look at.
struct Counts {
  std::uint64_t waiting = 0;    // due later
  std::uint64_t ready = 0;      // due, not yet begun
  std::uint64_t in_flight = 0;  // begun, not yet settled durably
  std::uint64_t connections = 0;
  std::uint64_t destinations = 0;
};
inline constexpr std::array<Duration, 6> kDueBounds{
    std::chrono::minutes(1), std::chrono::minutes(5), std::chrono::minutes(15),
    std::chrono::hours(1),   std::chrono::hours(4),   std::chrono::hours(24)};
using DueHistogram = std::array<std::uint64_t, kDueBounds.size() + 1>;  // within each bound (not
                                                                        // cumulative), and later

struct DestinationView {
  RoutingDomain domain;
  std::uint64_t waiting = 0, ready = 0, in_flight = 0, connections = 0;
  Instant next_due = kNever;
  Instant backed_off_until;  // epoch: not backed off
  std::string last_failure;  // words of the last failure as a whole, empty after a success
  std::array<std::uint64_t, policy::kRetryClasses> waiting_by_class{};
};

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
  // Arrival of the oldest recipient that is not settled, rounded down to the second; kNever: none.
  // O(1).
  Instant oldest() const;
  void for_each_destination(const std::function<void(const DestinationView&)>& visit) const;
  // True once ShutDown was handled and nothing is in flight any more.
  bool quiet() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace posthaste::delivery
