// Envelope and Recipient: what SMTP said about a message, apart from its content.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/ids.h"
#include "lib/base/time.h"
#include "lib/mail/address.h"

namespace posthaste::mail {

enum class BodyType : std::uint8_t { k7Bit, k8BitMime, kBinaryMime };

// What the sender wants of TLS for one message, whatever the policies say (RFC 8689).
enum class TlsWish : std::uint8_t {
  kPolicy,      // nothing of his own
  kRequireTls,  // REQUIRETLS: verified TLS to a host that promises the same, or not at all
  kOptional,    // "TLS-Required: No": better delivered than protected
  // A notification about mail that asked for REQUIRETLS (RFC 8689 §5): the same where the host
  // offers it, and not lost where it does not.
  kRequireTlsIfOffered,
};

// RET of RFC 3461 §4.3.
enum class DsnReturn : std::uint8_t { kUnset, kFull, kHeaders };

// NOTIFY of RFC 3461 §4.1, as bits; 0 is "not given".
enum NotifyBits : std::uint8_t {
  kNotifyNever = 1,
  kNotifySuccess = 2,
  kNotifyFailure = 4,
  kNotifyDelay = 8,
};

// BY of RFC 2852 §4: when the message should have been delivered.
struct DeliverBy {
  Instant by;
  bool return_it = false;  // by-mode "R": not delivered by then, it goes back; "N": its sender is
                           // told, and it goes on
  bool trace = false;      // by-trace: every hop is told of
  friend bool operator==(const DeliverBy&, const DeliverBy&) = default;
};

// MT-PRIORITY of RFC 6710 §4: higher goes first.
inline constexpr std::int8_t kPriorityMin = -9;
inline constexpr std::int8_t kPriorityMax = 9;

// One address with its DSN options; one fate.
struct Recipient {
  // Position in the transaction; with the message id it names the recipient.
  std::uint16_t number = 0;
  Mailbox address;
  std::uint8_t notify = 0;  // NotifyBits
  std::string orcpt;        // ORCPT, decoded xtext: "rfc822;user@example.com", or empty
  friend bool operator==(const Recipient&, const Recipient&) = default;
};

// RFC 3461 §4.1: whether the sender may be told that mail to this recipient is late; where NOTIFY
// was not given, that is for us to decide.
inline bool may_tell_delay(const Recipient& recipient) {
  return recipient.notify == 0 || (recipient.notify & kNotifyDelay) != 0;
}

// The sender's half of a transaction and how it came to us. Constant once accepted.
struct Envelope {
  MessageId id;
  Mailbox sender;
  BodyType body_type = BodyType::k7Bit;
  bool smtputf8 = false;
  bool eight_bit = false;  // the content has octets above 127, whatever BODY= said
  TlsWish tls_wish = TlsWish::kPolicy;
  DsnReturn ret = DsnReturn::kUnset;
  std::string envid;  // ENVID, decoded xtext
  Instant arrived;    // when the final dot (or BDAT LAST) was read
  std::uint64_t body_bytes = 0;
  std::uint16_t body_chunks = 0;
  std::uint16_t recipients_total = 0;
  std::optional<DeliverBy> deliver_by;
  Instant hold_until;        // HOLDFOR, HOLDUNTIL of RFC 4865: not tried before; the epoch: none
  std::int8_t priority = 0;  // kPriorityMin to kPriorityMax
  std::string submitter;     // peer address, EHLO name and TLS, for trace and log; one line
  friend bool operator==(const Envelope&, const Envelope&) = default;
};

// The sender has set time limits of his own, which nothing else than the envelope tells.
inline bool has_own_limits(const Envelope& envelope) {
  return envelope.deliver_by.has_value() || envelope.hold_until > envelope.id.time();
}

// A piece of a message body, shared by whoever has it in flight. At most kChunkBytesMax long.
using Chunk = std::shared_ptr<const std::string>;
inline constexpr std::size_t kChunkBytesMax = 64 * 1024;

// Content, CRLF line ends, not dot-stuffed, trace header first. May be only the first chunks
// (Envelope::body_chunks says how many there are); empty when it has to be loaded.
struct Body {
  std::vector<Chunk> chunks;
  bool complete(const Envelope& envelope) const { return chunks.size() == envelope.body_chunks; }
};

}  // namespace posthaste::mail
