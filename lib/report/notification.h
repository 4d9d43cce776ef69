// Notification: what a sender is told about recipients of his message: not reached, not reached
// yet, or handed on to a host that tells him no more. One message, whatever mixture it reports.
//
// What becomes of the recipients of one message in different writes is told in different
// notifications: one may describe several recipients, and need not (RFC 3461 §5.2.8).
// The content is 7-bit as far as that is possible, so that it reaches hosts without 8BITMIME: 8-bit
// text is quoted-printable. Octets above 127 stay only in a whole original that has them, and where
// the sender can take addresses and replies that are not ASCII (RFC 6531 §3.1).
//
// Threads      pure functions.
// Limits       what a peer said is cut at 800 octets. A returned original or header section is
//              not cut; who calls decides how much to give.
// Implements   RFC 3461 §4.1, §5.2, §6; RFC 3464 §2; RFC 6522 §3; RFC 6533 §4 to §6; RFC 3834 §3.1,
//              §5; RFC 8689 §5; RFC 2852 §4.1.4 (by-trace).
// Does not     store or send, choose the envelope, or decide that somebody is late.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/base/names.h"
#include "lib/base/time.h"
#include "lib/mail/envelope.h"
#include "lib/policy/tls_facts.h"

namespace posthaste::report {

// RFC 3464 §2.3.3, in the order of what a sender wants to know first.
enum class Action : std::uint8_t { kFailed, kDelayed, kRelayed };
std::string_view name(Action action);  // "failed", "delayed", "relayed"

struct ReportedRecipient {
  mail::Recipient recipient;
  Action action = Action::kFailed;
  std::string status;        // "5.1.1"; what does not fit the action becomes X.0.0
  std::string remote_host;   // "mx1.example.com[192.0.2.1]:25"; empty: none was reached
  std::string remote_reply;  // "550 5.1.1 no such user"; empty: the words below are ours
  std::string words;         // why, for a person; one line
  std::uint32_t attempts = 1;
  bool just_tried = true;  // false: what is told has come to pass while it waited
  // The connection broke at a moment when the host may have taken the message.
  bool maybe_delivered = false;
  // Why there was no TLS session that would do, and what the session was that there was: as
  // mail::HistoryEvent::tls.
  policy::TlsFailure tls_failure = policy::TlsFailure::kNone;
  std::string tls;
  // ---- kFailed
  bool expired = false;      // tried until the time was up
  bool by_operator = false;  // `words` are his, or empty
  // ---- kDelayed
  Instant next_attempt;            // the epoch: not known
  Instant retry_until;             // the epoch: not known
  bool deliver_by_passed = false;  // that, and not its age, is why he is told
  // ---- kRelayed
  bool more_to_come = false;  // the host was told whom to tell of what
};

struct Notification {
  HeloName reporting_mta;
  MessageId id;                               // names the notification itself
  const mail::Envelope* original = nullptr;   // not null; sender not null
  std::vector<ReportedRecipient> recipients;  // at least one
  // Header section of the original, CRLF line ends; may be empty when it cannot be had.
  std::string original_headers;
  // The whole original where RET=FULL was asked and it is small enough; may be empty. It is
  // returned only if somebody was not reached (RFC 3461 §6.2), and it can stand in a mail as it is:
  // lines of at most 998 octets, no NUL, no bare CR or LF; and if it did not ask for REQUIRETLS.
  // Else the header section is.
  std::string original_body;
  Instant now;
};

// True where RFC 3461 §4.1 and RFC 5321 §6.1 let a failure of this recipient be reported: a sender,
// and NOTIFY not given or with FAILURE.
bool wants_failure_report(const mail::Envelope& envelope, const mail::Recipient& recipient);

// The same for a recipient that a host has taken over: NOTIFY with SUCCESS, which the host cannot
// or will not obey (RFC 3461 §5.2.2); or any NOTIFY but NEVER, where the sender wants to hear of
// every hop (by-trace of RFC 2852 §4.1.4), or the host does not know by when he wants the mail to
// be there (`untimed`, §4.1.4.2).
bool wants_relayed_report(const mail::Envelope& envelope, const mail::Recipient& recipient,
                          bool passed_on, bool untimed = false);

// What to put into the envelope of a notification about `original`: its header section is to be
// protected as the message was, and yet the next host's lack of REQUIRETLS is not to hold it up
// (RFC 8689 §5).
mail::TlsWish tls_wish_of_notification(const mail::Envelope& original);

// The sender of `original` can take what is not ASCII.
bool takes_utf8(const mail::Envelope& original);

// What counts most of what is told.
Action foremost_action(const Notification& notification);

// The notification's content, CRLF line ends, ready to be stored as a message with a null sender.
std::string render_notification(const Notification& notification);

}  // namespace posthaste::report
