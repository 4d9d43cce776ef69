// Action: what the engine wants done, and what it has to tell: to the store, DNS, the sessions, log
// and metrics.
//
// Does not     do any of it. See daemon/worker.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "lib/base/ids.h"
#include "lib/base/ip.h"
#include "lib/base/names.h"
#include "lib/base/time.h"
#include "lib/dns/answer.h"
#include "lib/mail/history.h"
#include "lib/mail/pending.h"
#include "lib/policy/retry_policy.h"
#include "lib/policy/tls_demand.h"
#include "lib/smtp/client_session.h"

namespace posthaste::delivery {

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
  // What the demand was made of; never null. For reports (RFC 8460).
  std::shared_ptr<const policy::TlsEvidence> evidence;
  MessageId message;  // for logs: the one that it is opened for; another may go over it first
};
struct Deliver {
  ConnId conn;
  std::shared_ptr<const mail::Letter> letter;
  std::vector<mail::Recipient> recipients;
};
struct Quit {
  ConnId conn;
};

enum class Ending : std::uint8_t {
  kDelivered,
  kDeferred,
  kBounced,
  kExpired,
  kRemoved,   // the operator's word: ends, and nobody is told
  kHeld,      // likewise: `after` is to be stored, it was no attempt
  kReleased,  // likewise
};
// The fate of one recipient, complete enough for store, DSN, log, metrics and trace.
struct Settlement {
  mail::PendingRecipient before;
  Ending ending = Ending::kDelivered;
  // kDeferred, kHeld, kReleased: what to store, revision counted up; attempts for kDeferred alone.
  mail::Progress after;
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
  // kDeferred: the sender is to be told, in the same write, that it is late; after.delay_told is
  // set. Also where a deliver-by time has passed in by-mode "N" (RFC 2852 §4.3).
  bool tell_delay = false;
  // kDelivered: the host took over who is to be told of what (RFC 3461 §5.2.2), so we tell nobody.
  bool dsn_passed_on = false;
  // kDelivered: the sender is told of it, unless he forbade all notifications, for the host does
  // not know by when it has to be there, or he wants every hop traced (RFC 2852 §4.1.4).
  bool tell_relayed = false;
  bool by_operator = false;  // reply.text has his words
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
// For log: a site has had enough of us (RFC 5321 §4.2.3: 421, 451), so it gets less for a while.
struct SlowedDown {
  RoutingDomain domain;  // whose mail brought it to light
  MxName host;
  std::string words;               // the host's
  std::uint32_t connections = 0;   // allowed from now on
  std::uint32_t message_rate = 0;  // a minute, likewise
};
// For log: it is at full speed again.
struct Recovered {
  RoutingDomain domain;  // one of its domains
  std::string site;
};
using Action = std::variant<Lookup, WantSts, Load, Connect, Deliver, Quit, Persist, FellBack,
                            TlsBarred, SuspectedStrip, Remember, BackedOff, SlowedDown, Recovered>;
using Actions = std::vector<Action>;

}  // namespace posthaste::delivery
