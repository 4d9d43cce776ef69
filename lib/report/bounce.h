// render_bounce: a delivery status notification for recipients that ended undelivered.
//
// The content is 7-bit as far as that is possible, so that it reaches hosts without 8BITMIME: 8-bit
// text is quoted-printable. Octets above 127 stay only in a whole original that has them, and where
// an address is not ASCII (who sends to such an address can take 8-bit mail: RFC 6531 §3.1).
//
// Threads      pure functions.
// Limits       what a peer said is cut at 800 octets. A returned original or header section is
//              not cut; who calls decides how much to give.
// Implements   RFC 3461 §4.1, §6; RFC 3464 §2; RFC 6522 §3; RFC 6533 §4 to §6; RFC 3834 §5;
//              RFC 8689 §5.
// Does not     report delays and successes, store or send, choose the envelope.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/base/names.h"
#include "lib/base/time.h"
#include "lib/mail/envelope.h"

namespace posthaste::report {

struct FailedRecipient {
  mail::Recipient recipient;
  std::string status;        // "5.1.1", never empty
  std::string remote_host;   // "mx1.example.com[192.0.2.1]:25"; empty: none was reached
  std::string remote_reply;  // "550 5.1.1 no such user"; empty: the words below are ours
  std::string words;         // why, for a person; one line
  std::uint32_t attempts = 1;
  bool expired = false;
};

struct BounceInput {
  HeloName reporting_mta;
  MessageId bounce_id;                       // names the notification itself
  const mail::Envelope* original = nullptr;  // not null; sender not null
  std::vector<FailedRecipient> recipients;   // at least one
  // Header section of the original, CRLF line ends; may be empty when it cannot be had.
  std::string original_headers;
  // The whole original where RET=FULL was asked and it is small enough; may be empty. It is
  // returned only if it can stand in a mail as it is: lines of at most 998 octets, no NUL, no bare
  // CR or LF; and if it did not ask for REQUIRETLS. Else the header section is.
  std::string original_body;
  Instant now;
};

// True where RFC 3461 §4.1 and RFC 5321 §6.1 let a failure of this recipient be reported: a sender,
// and NOTIFY not given or with FAILURE.
bool wants_failure_report(const mail::Envelope& envelope, const mail::Recipient& recipient);

// What to put into the envelope of a notification about `original`: its header section is to be
// protected as the message was, and yet the next host's lack of REQUIRETLS is not to hold it up
// (RFC 8689 §5).
mail::TlsWish tls_wish_of_bounce(const mail::Envelope& original);

// The notification's content, CRLF line ends, ready to be stored as a message with a null sender.
std::string render_bounce(const BounceInput& input);

}  // namespace posthaste::report
