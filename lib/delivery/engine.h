// Engine: decides which recipients are tried when, over which connection, and what becomes of them.
//
//   entry --due--> ready --batch of one message--> staged [Load] --connection--> Deliver
//     ^                                                                             |
//     '------ Persisted(deferred, next due) <--- Persist <--- settled <--- Finished '
//
// A destination is a routing domain and a wish about TLS. It has a route plan (hosts in preference
// order, each with its addresses and what it must show), a pool of connections and a back-off; the
// limits are its domain's. While no connection of it is up, one goes ahead
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
#include "lib/policy/mta_sts.h"
#include "lib/policy/retry_policy.h"
#include "lib/policy/tls_demand.h"
#include "lib/policy/tls_memory.h"
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
  mail::TlsWish tls_wish = mail::TlsWish::kPolicy;
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
// What the domain's MTA-STS policy is just now; nullopt: it has none that is known.
struct StsKnown {
  RoutingDomain domain;
  std::optional<policy::StsPolicy> policy;
};
// What was said before holds no more.
struct StsChanged {
  RoutingDomain domain;
};
// What an earlier process was told to Remember; best before the first entry.
struct Remembered {
  bool shown = false;
  std::string key;
  std::string value;
  Instant expires;
};
// The operator's word: nothing that was learned of that address or host name counts any more.
struct ForgetTls {
  std::string address_or_host;
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
using Event = std::variant<Entry, Arrived, Loaded, NotLoaded, Answered, StsKnown, StsChanged,
                           Remembered, ForgetTls, SessionReady, SessionFinished, SessionFailed,
                           SessionClosed, Persisted, StoreTrouble, Reconfigured, ShutDown, Tick>;

// ---- actions ----
struct Lookup {
  dns::Question question;
};  // answered once by Answered
// Answered once by StsKnown.
struct WantSts {
  RoutingDomain domain;
};
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
  // What the session has to show before mail may go over it; never null.
  std::shared_ptr<const policy::TlsDemand> demand;
  std::size_t rung = 0;                             // of the policy's ladder
  std::string profile;                              // its name
  policy::TlsLevel level = policy::TlsLevel::kMay;  // the demand's
  mail::TlsWish tls_wish = mail::TlsWish::kPolicy;  // of all mail that will go over it
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
// For log and metrics: a step down that policy allowed, and that has brought a session: from one
// profile to another, or from "starttls" to "plaintext".
struct FellBack {
  RoutingDomain domain;
  MxName host;
  std::string from;
  std::string to;
  policy::TlsFailure reason;
};
// For metrics and reports (RFC 8460): a host that must not be used, or (`sts_testing`) must not be
// if the domain meant it; no handshake took place.
struct TlsBarred {
  RoutingDomain domain;
  MxName host;
  policy::TlsFailure failure = policy::TlsFailure::kNone;
  bool sts_testing = false;
};
// For log and metrics: the host has shown verified TLS before, and offers none now. Not used.
struct SuspectedStrip {
  RoutingDomain domain;
  MxName host;
  Endpoint endpoint;
};
// To be kept over a restart, or dropped; as policy::TlsMemory::Change.
struct Remember {
  bool shown = false;
  bool drop = false;
  std::string key;
  std::string value;
  Instant expires;
};
// For log: a destination as a whole cannot be reached until then.
struct BackedOff {
  RoutingDomain domain;
  mail::TlsWish tls_wish = mail::TlsWish::kPolicy;  // of the mail that cannot go
  Instant until;
  policy::RetryClass retry_class;
  std::string words;
};
using Action = std::variant<Lookup, WantSts, Load, Connect, Deliver, Quit, Persist, FellBack,
                            TlsBarred, SuspectedStrip, Remember, BackedOff>;
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
  mail::TlsWish tls_wish = mail::TlsWish::kPolicy;  // each wish is a destination of its own
  std::uint64_t waiting = 0, ready = 0, in_flight = 0, connections = 0;
  Instant next_due = kNever;
  Instant backed_off_until;  // epoch: not backed off
  std::string last_failure;  // words of the last failure as a whole, empty after a success
  std::array<std::uint64_t, policy::kRetryClasses> waiting_by_class{};
};

// What is known of the TLS of a domain's hosts, for mail that wishes nothing of its own.
struct TlsView {
  struct Address {
    IpAddress address;
    std::optional<policy::TlsRemembered> remembered;  // under the demand as it is now
    std::string next;  // what the next call offers: "modern", "plaintext", "nothing"
  };
  struct Host {
    MxName name;
    std::uint16_t port = 0;
    bool judged = false;  // else the rest is not known yet
    policy::TlsPolicy policy;
    policy::TlsEvidence evidence;
    policy::TlsDemand demand;
    policy::TlsFailure barred = policy::TlsFailure::kNone;
    bool shown_verified = false;  // the strip guard watches it
    std::vector<Address> addresses;
    std::string words;  // why there are no addresses
  };
  bool known = false;  // false: DNS has to be asked first
  Instant expires;
  std::string verdict;  // why the domain has no mail hosts, or why they cannot be used
  std::optional<policy::StsPolicy> sts;
  std::vector<Host> hosts;
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
  // nullopt: nothing is under way or known for that domain.
  std::optional<TlsView> tls_view(const RoutingDomain& domain, Instant now) const;
  void for_each_remembered(const std::function<void(const policy::TlsMemory::View&)>& visit) const;
  // True once ShutDown was handled and nothing is in flight any more.
  bool quiet() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace posthaste::delivery
