// Trouble: why something could not be done, complete enough to settle a recipient with it.
//
// The status codes are ours to choose where no server spoke; they follow RFC 3463 and, where that
// leaves a choice, what Postfix says in the same case, since that is what postmasters know.
#pragma once

#include <optional>
#include <string>

#include "lib/base/names.h"
#include "lib/base/time.h"
#include "lib/delivery/host_tls.h"
#include "lib/delivery/reply_reader.h"
#include "lib/dns/answer.h"
#include "lib/dns/mx_plan.h"
#include "lib/policy/retry_policy.h"
#include "lib/policy/tls_policy.h"
#include "lib/smtp/client_session.h"

namespace posthaste::delivery {

struct Trouble {
  bool permanent = false;
  policy::RetryClass retry_class = policy::RetryClass::kOther;  // of what is not permanent
  smtp::Stage stage = smtp::Stage::kConnect;
  smtp::EnhancedCode status;  // always set; the reply's own where it has one that fits
  smtp::Reply reply;          // as the peer gave it; code 0: ours
  policy::TlsFailure tls = policy::TlsFailure::kNone;
  std::string host;        // as Settlement::host
  bool slow_down = false;  // the host has enough of us
  // The host takes no mail just now (RFC 3463 §3.4, §3.5), and said so to one message: another host
  // may take it, and nobody else has been tried.
  bool of_host = false;
  bool local_network = false;  // no packet has left this machine
  // Every host that was called was not there, or takes no mail at all: whose mail it is, and what
  // that asks for, makes no difference.
  bool of_all_hosts = false;
  // Set: from that age on the mail may go in plaintext, so it waits no longer than until then.
  std::optional<Duration> plaintext_after;
};

// The enhanced code of a reply, or one made from its first digit where the server gave none.
smtp::EnhancedCode status_of(const smtp::Reply& reply);

// REQUIRES plan.kind != kHosts.
Trouble trouble_of_plan(const dns::MxPlan& plan);
// A host's addresses could not be looked up; they may be there later.
Trouble trouble_of_lookup(const MxName& host, const dns::Answer& answer);
// There is no address for the host, and DNS is sure of it.
Trouble no_address(const MxName& host);
// The host has special-purpose addresses only, and delivery.allow_networks has none of them.
Trouble refused_address(const MxName& host, const IpAddress& address);
Trouble bad_literal(const RoutingDomain& domain);

// What policy wants done about a TLS failure. Never kPlaintext for one of ours, nor where the
// demand is encryption, nor on a port where TLS is implicit: plaintext would meet a server there
// that waits for a handshake.
policy::OnTlsFailure choice_for(policy::TlsFailure failure, const HostTls& tls);
// A TLS failure, in `words` where somebody else has found them; `host` as Settlement::host.
Trouble trouble_of_tls(policy::TlsFailure failure, const HostTls& tls, std::string host,
                       std::string words = {});
// The same where it may be otherwise later: nothing is returned for it.
Trouble for_now(Trouble trouble);
// A session that ended before it could deliver anything.
Trouble trouble_of_session(const smtp::SessionFailure& failure, const HostTls& tls,
                           ReplyReader& reader, std::string host);
// True where the host speaks of its own trouble (its disk, its load), not of the recipient or the
// message: it has not decided, so another host is asked (RFC 5321 §5.1).
bool host_trouble(const smtp::RecipientOutcome& outcome, ReplyReader& reader);
// True where the host refuses the mail because the session has no TLS (RFC 3207 §4: 530), or says
// what may mean that (RFC 3463 §3.8: 5.7.0, 5.7.10).
bool wants_tls(const smtp::RecipientOutcome& outcome);
// Such an outcome where the plaintext was our own choice, as TLS had failed so: not the sender's
// fault, and no verdict on his mail.
Trouble trouble_of_missing_tls(policy::TlsFailure failure, const smtp::RecipientOutcome& outcome,
                               std::string host);
// A recipient that was not delivered. REQUIRES outcome.verdict != kDelivered.
Trouble trouble_of_outcome(const smtp::RecipientOutcome& outcome, ReplyReader& reader,
                           std::string host);

}  // namespace posthaste::delivery
