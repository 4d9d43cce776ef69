// render_bounce: a delivery status notification for recipients that ended undelivered (RFC 3464, RFC 3462, RFC 6522).
#pragma once

#include <string>
#include <vector>

#include "lib/base/names.h"
#include "lib/base/time.h"
#include "lib/mail/envelope.h"

namespace posthaste::report {

struct FailedRecipient {
  mail::Recipient recipient;
  std::string status;           // "5.1.1", never empty
  std::string remote_host;      // "mx1.example.com[192.0.2.1]:25"; empty: none was reached
  std::string remote_reply;     // "550 5.1.1 no such user"; empty: the words below are ours
  std::string words;            // why, for a person; one line
  std::uint32_t attempts = 1;
  bool expired = false;
};

struct BounceInput {
  HeloName reporting_mta;
  MessageId bounce_id;          // names the notification itself
  const mail::Envelope* original = nullptr;   // not null; sender not null
  std::vector<FailedRecipient> recipients;    // at least one
  std::string original_headers; // header section of the original, CRLF line ends; or
  std::string original_body;    // the whole original where RET=FULL was asked and it is small enough; may be empty
  Instant now;
};

// True where RFC 3461 §6.2 and RFC 5321 §6.1 let a failure of this recipient be reported: a sender, and NOTIFY
// not given or with FAILURE.
bool wants_failure_report(const mail::Envelope& envelope, const mail::Recipient& recipient);

// The notification's content, CRLF line ends, ready to be stored as a message with a null sender.
std::string render_bounce(const BounceInput& input);

}  // namespace posthaste::report
