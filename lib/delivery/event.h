// Event: what the engine is told: by the store, DNS, the sessions, and the operator.
//
// Does not     say what follows. See engine.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "lib/base/ids.h"
#include "lib/base/names.h"
#include "lib/base/result.h"
#include "lib/base/time.h"
#include "lib/delivery/options.h"
#include "lib/dns/answer.h"
#include "lib/mail/pending.h"
#include "lib/policy/domain_pattern.h"
#include "lib/policy/mta_sts.h"
#include "lib/policy/retry_policy.h"
#include "lib/policy/suspension.h"
#include "lib/smtp/client_session.h"

namespace posthaste::delivery {

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
  std::int8_t priority = 0;
  bool held = false;
  bool own_limits = false;  // as in mail::PendingRecipient
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
    // a minute, in two, … in an hour
struct Answered {
  dns::Question question;
  dns::Answer answer;
};
// What the domain's MTA-STS policy is just now; nullopt: it has none that is known.
struct StsKnown {
  RoutingDomain domain;
  std::optional<policy::StsPolicy> policy;
  // There may be one, which cannot be had just now: mail goes on without it, but nothing is
  // returned for want of it.
  bool unsure = false;
  Instant until = kNever;  // when to ask again, where it is unsure
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
// What the operator wants done with mail in the queue. What is under way just then stays untouched.
enum class SteerVerb : std::uint8_t {
  kRetry,    // due now; the back-off of its destinations ends
  kHold,     // see mail::Progress::held
  kRelease,  // what was held, due when it was due
  kRemove,   // ends without a word to anybody
  kBounce,   // ends, and its sender is told
};
// Recipients of which every field that is set holds.
struct Selection {
  enum class State : std::uint8_t { kAny, kWaiting, kReady, kHeld, kSuspended };
  std::vector<policy::DomainPattern> domains;
  Instant arrived_from;             // at or after
  Instant arrived_before = kNever;  // before
  std::optional<policy::RetryClass> retry_class;
  State state = State::kAny;
  // Sorted; null: all messages.
  std::shared_ptr<const std::vector<MessageId>> messages;
};
// The ticket is new, and seen again in Engine::steering().
struct Steer {
  std::uint64_t ticket = 0;
  SteerVerb verb = SteerVerb::kRetry;
  Selection selection;
  std::string words;  // the operator's reason, for history and bounces; one line, may be empty
};
// What is suspended from now on, in the place of what was; never null.
struct Suspended {
  std::shared_ptr<const policy::Suspensions> suspensions;
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
using Event =
    std::variant<Entry, Arrived, Loaded, NotLoaded, Answered, StsKnown, StsChanged, Remembered,
                 ForgetTls, Steer, Suspended, SessionReady, SessionFinished, SessionFailed,
                 SessionClosed, Persisted, StoreTrouble, Reconfigured, ShutDown, Tick>;

}  // namespace posthaste::delivery
