// PendingRecipient: a recipient that still waits for its fate, with what is known of its attempts.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/ids.h"
#include "lib/base/time.h"
#include "lib/mail/envelope.h"

namespace posthaste::mail {

// What changes from attempt to attempt. Stored with the recipient (docs/queue-format.md).
struct Progress {
  std::uint32_t revision = 0;  // counts the stored changes of this recipient
  std::uint32_t attempts = 0;
  Instant due;  // when it may be tried (again)
  // Why it waits: "connect", "dns", "tls", …; empty before the first attempt.
  std::string retry_class;
  std::string last_host;         // "mx1.example.com[192.0.2.1]:25", or empty
  std::string last_words;        // last reply or error, one line
  bool maybe_delivered = false;  // lost once between our final dot and the reply
  // By the operator: neither tried nor expired until it is released. `due` stays what it was.
  bool held = false;
  bool delay_told = false;  // its sender has had a delay notification (RFC 3464 §2.3.3)
  friend bool operator==(const Progress&, const Progress&) = default;
};

struct PendingRecipient {
  ShardId shard = 0;
  Recipient recipient;
  Progress progress;
  TlsWish tls_wish = TlsWish::kPolicy;  // the envelope's
  std::int8_t priority = 0;             // the envelope's
  bool own_limits = false;              // the envelope's: has_own_limits()
  friend bool operator==(const PendingRecipient&, const PendingRecipient&) = default;
};

// A message as it travels between store, engine and sessions: its envelope, those of its recipients
// that the holder is about to deal with, and the body or a part of it.
struct Letter {
  std::shared_ptr<const Envelope> envelope;
  std::vector<PendingRecipient> recipients;
  Body body;
};

}  // namespace posthaste::mail
