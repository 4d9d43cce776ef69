// OwnMail: a message that we write ourselves (a notification, a report), as the request that makes
// it durable.
//
// Threads      pure functions.
// Does not     render the content, or store it.
#pragma once

#include <cstdint>
#include <string>

#include "lib/mail/envelope.h"
#include "queue/store.h"

namespace posthaste::daemon {

struct OwnMail {
  MessageId id;
  mail::Mailbox sender;  // null: nobody is told when it fails
  mail::Mailbox recipient;
  std::string content;  // CRLF line ends, not empty
  std::string origin;   // for trace and log: "notification about 6H01GPCZ80000"
  mail::TlsWish tls_wish = mail::TlsWish::kPolicy;
  bool smtputf8 = false;
  std::int8_t priority = 0;  // of what it is about (RFC 6710 §4.6)
  Instant now;
};

// One recipient, due at once; NOTIFY=NEVER. Its ticket is 0.
queue::Accept accept_of(OwnMail mail);

}  // namespace posthaste::daemon
