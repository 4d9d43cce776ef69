#include "queue/record.h"

#include <utility>

#include "lib/base/check.h"
#include "lib/base/codec.h"

namespace posthaste::queue {
namespace {

// What is written. Envelopes and recipients of version 1 are read too: a queue of format 1 is not
// rewritten when it is opened, its records are as they come to be changed.
constexpr std::uint8_t kMessageVersion = 2;  // envelopes and recipients
constexpr std::uint8_t kRecordVersion = 1;   // history and notes
constexpr std::uint8_t kTlsWishMax = static_cast<std::uint8_t>(mail::TlsWish::kRequireTlsIfOffered);
constexpr auto kPriorityTop = static_cast<std::uint8_t>(mail::kPriorityMax - mail::kPriorityMin);
constexpr auto kHistoryKindMax = static_cast<std::uint8_t>(mail::HistoryKind::kDelayTold);
// Flags of an envelope's second byte of them, and of a recipient's.
constexpr std::uint8_t kDeliverBy = 1;
constexpr std::uint8_t kDeliverByReturn = 2;
constexpr std::uint8_t kDeliverByTrace = 4;
constexpr std::uint8_t kHoldUntil = 8;
constexpr std::uint8_t kMaybeDelivered = 1;
constexpr std::uint8_t kHeld = 8;
constexpr std::uint8_t kDelayTold = 16;
constexpr std::uint8_t kOwnLimits = 32;
constexpr std::uint8_t kNotifyAll =
    mail::kNotifyNever | mail::kNotifySuccess | mail::kNotifyFailure | mail::kNotifyDelay;

tl::unexpected<Error> corrupt(const char* what, std::string_view bytes,
                              std::uint8_t newest = kRecordVersion) {
  const auto version = static_cast<std::uint8_t>(bytes.empty() ? newest : bytes.front());
  if (version == 0 || version > newest) {
    return fail(ErrorCode::kCorrupt,
                std::string(what) + " record of unknown version " + std::to_string(version));
  }
  return fail(ErrorCode::kCorrupt, std::string(what) + " record of " +
                                       std::to_string(bytes.size()) +
                                       " bytes does not follow its format");
}

bool read_version(ByteReader& in) {
  if (in.u8(0xFF) != kRecordVersion) in.wrong();
  return in.right();
}

// Version 1 or 2; 0: neither.
std::uint8_t read_message_version(ByteReader& in) {
  const std::uint8_t version = in.u8(kMessageVersion);
  if (version == 0) in.wrong();
  return version;
}

std::uint8_t priority_byte(std::int8_t priority) {
  CHECK(priority >= mail::kPriorityMin && priority <= mail::kPriorityMax);
  return static_cast<std::uint8_t>(priority - mail::kPriorityMin);
}

std::int8_t read_priority(ByteReader& in) {
  const std::uint8_t byte = in.u8(kPriorityTop);
  return in.right() ? static_cast<std::int8_t>(byte + mail::kPriorityMin) : std::int8_t{0};
}

std::uint8_t envelope_flags(const mail::Envelope& envelope) {
  unsigned flags = static_cast<unsigned>(envelope.body_type);
  if (envelope.smtputf8) flags |= 4;
  if (envelope.eight_bit) flags |= 8;
  flags |= static_cast<unsigned>(envelope.ret) << 4;
  flags |= static_cast<unsigned>(envelope.tls_wish) << 6;
  return static_cast<std::uint8_t>(flags);
}

void read_envelope_flags(ByteReader& in, mail::Envelope& envelope) {
  const std::uint8_t flags = in.u8(0xFF);
  const unsigned type = flags & 3U;
  const unsigned ret = flags >> 4 & 3U;
  const unsigned wish = flags >> 6;
  if (type > 2 || ret > 2 || wish > kTlsWishMax) {
    in.wrong();
    return;
  }
  envelope.body_type = static_cast<mail::BodyType>(type);
  envelope.smtputf8 = (flags & 4) != 0;
  envelope.eight_bit = (flags & 8) != 0;
  envelope.ret = static_cast<mail::DsnReturn>(ret);
  envelope.tls_wish = static_cast<mail::TlsWish>(wish);
}

// What the sender wished of the time: version 2.
void write_wishes_of_time(ByteWriter& to, const mail::Envelope& envelope) {
  const bool held = envelope.hold_until != Instant{};
  unsigned flags = 0;
  if (envelope.deliver_by) flags |= kDeliverBy;
  if (envelope.deliver_by && envelope.deliver_by->return_it) flags |= kDeliverByReturn;
  if (envelope.deliver_by && envelope.deliver_by->trace) flags |= kDeliverByTrace;
  if (held) flags |= kHoldUntil;
  to.u8(static_cast<std::uint8_t>(flags));
  to.u8(priority_byte(envelope.priority));
  if (envelope.deliver_by) to.time(envelope.deliver_by->by);
  if (held) to.time(envelope.hold_until);
}

void read_wishes_of_time(ByteReader& in, mail::Envelope& envelope) {
  const unsigned flags = in.u8(kDeliverBy | kDeliverByReturn | kDeliverByTrace | kHoldUntil);
  envelope.priority = read_priority(in);
  if ((flags & kDeliverBy) != 0) {
    envelope.deliver_by =
        mail::DeliverBy{in.time(), (flags & kDeliverByReturn) != 0, (flags & kDeliverByTrace) != 0};
  } else if ((flags & (kDeliverByReturn | kDeliverByTrace)) != 0) {
    in.wrong();
  }
  if ((flags & kHoldUntil) == 0) return;
  envelope.hold_until = in.time();
  if (envelope.hold_until == Instant{}) in.wrong();
}

std::uint8_t recipient_flags(const mail::PendingRecipient& pending) {
  unsigned flags = static_cast<unsigned>(pending.tls_wish) << 1;
  if (pending.progress.maybe_delivered) flags |= kMaybeDelivered;
  if (pending.progress.held) flags |= kHeld;
  if (pending.progress.delay_told) flags |= kDelayTold;
  if (pending.own_limits) flags |= kOwnLimits;
  return static_cast<std::uint8_t>(flags);
}

void read_recipient_flags(ByteReader& in, std::uint8_t version, mail::PendingRecipient& pending) {
  constexpr auto kFlagsOfOne = static_cast<std::uint8_t>(kTlsWishMax << 1 | kMaybeDelivered);
  constexpr std::uint8_t kFlagsOfTwo = kFlagsOfOne | kHeld | kDelayTold | kOwnLimits;
  const unsigned flags = in.u8(version == 1 ? kFlagsOfOne : kFlagsOfTwo);
  pending.progress.maybe_delivered = (flags & kMaybeDelivered) != 0;
  pending.progress.held = (flags & kHeld) != 0;
  pending.progress.delay_told = (flags & kDelayTold) != 0;
  pending.own_limits = (flags & kOwnLimits) != 0;
  pending.tls_wish = static_cast<mail::TlsWish>(flags >> 1 & 3U);
}

void write_event(ByteWriter& to, const mail::HistoryEvent& event) {
  to.u8(static_cast<std::uint8_t>(event.kind));
  to.time(event.time);
  to.var(event.attempt);
  to.time(event.next_due);
  to.str(event.recipient);
  to.str(event.sender);
  to.str(event.host);
  to.str(event.tls);
  to.str(event.words);
  to.str(event.retry_class);
}

mail::HistoryEvent read_event(ByteReader& in) {
  mail::HistoryEvent event;
  event.kind = static_cast<mail::HistoryKind>(in.u8(kHistoryKindMax));
  event.time = in.time();
  event.attempt = in.var<std::uint32_t>();
  event.next_due = in.time();
  event.recipient = in.str();
  event.sender = in.str();
  event.host = in.str();
  event.tls = in.str();
  event.words = in.str();
  event.retry_class = in.str();
  return event;
}

}  // namespace

void encode_envelope(const mail::Envelope& envelope, std::string& out) {
  ByteWriter to(out);
  to.u8(kMessageVersion);
  to.u8(envelope_flags(envelope));
  write_wishes_of_time(to, envelope);
  to.time(envelope.arrived);
  to.var(envelope.body_bytes);
  to.var(envelope.body_chunks);
  to.var(envelope.recipients_total);
  to.str(envelope.sender.text());
  to.str(envelope.envid);
  to.str(envelope.submitter);
}

Result<mail::Envelope> decode_envelope(MessageId id, std::string_view bytes) {
  ByteReader in(bytes);
  mail::Envelope envelope;
  const std::uint8_t version = read_message_version(in);
  envelope.id = id;
  read_envelope_flags(in, envelope);
  if (version > 1) read_wishes_of_time(in, envelope);
  envelope.arrived = in.time();
  envelope.body_bytes = in.var<std::uint64_t>();
  envelope.body_chunks = in.var<std::uint16_t>();
  envelope.recipients_total = in.var<std::uint16_t>();
  envelope.sender = mail::Mailbox::trusted(in.str());
  envelope.envid = in.str();
  envelope.submitter = in.str();
  if (!in.used_up()) return corrupt("envelope", bytes, kMessageVersion);
  return envelope;
}

void encode_recipient(const mail::PendingRecipient& pending, MessageSize message,
                      std::string& out) {
  CHECK(!pending.recipient.address.null() && message.recipients_total > 0);
  ByteWriter to(out);
  to.u8(kMessageVersion);
  to.u8(recipient_flags(pending));
  to.u8(pending.recipient.notify);
  to.u8(priority_byte(pending.priority));
  to.var(message.recipients_total);
  to.var(message.body_chunks);
  to.str(pending.recipient.address.text());
  to.str(pending.recipient.orcpt);
  to.var(pending.progress.revision);
  to.var(pending.progress.attempts);
  to.time(pending.progress.due);
  to.str(pending.progress.retry_class);
  to.str(pending.progress.last_host);
  to.str(pending.progress.last_words);
}

Result<RecipientRecord> decode_recipient(ShardId shard, std::uint16_t number,
                                         std::string_view bytes) {
  ByteReader in(bytes);
  const std::uint8_t version = read_message_version(in);
  RecipientRecord record;
  mail::PendingRecipient& pending = record.pending;
  pending.shard = shard;
  pending.recipient.number = number;
  read_recipient_flags(in, version, pending);
  pending.recipient.notify = in.u8(kNotifyAll);
  if (version > 1) pending.priority = read_priority(in);
  record.message.recipients_total = in.var<std::uint16_t>();
  record.message.body_chunks = in.var<std::uint16_t>();
  std::string address = in.str();
  if (address.empty() || record.message.recipients_total == 0) in.wrong();
  pending.recipient.address = mail::Mailbox::trusted(std::move(address));
  pending.recipient.orcpt = in.str();
  pending.progress.revision = in.var<std::uint32_t>();
  pending.progress.attempts = in.var<std::uint32_t>();
  pending.progress.due = in.time();
  pending.progress.retry_class = in.str();
  pending.progress.last_host = in.str();
  pending.progress.last_words = in.str();
  if (!in.used_up()) return corrupt("recipient", bytes, kMessageVersion);
  return record;
}

void encode_history(std::span<const mail::HistoryEvent> events, std::string& out) {
  ByteWriter to(out);
  to.u8(kRecordVersion);
  to.var(events.size());
  for (const mail::HistoryEvent& event : events) write_event(to, event);
}

Status decode_history(std::string_view bytes, std::vector<mail::HistoryEvent>& out) {
  ByteReader in(bytes);
  if (!read_version(in)) return corrupt("history", bytes);
  // Read until the count is reached or a field is missing: a false count allocates nothing.
  for (auto count = in.var<std::uint64_t>(); count > 0 && in.right(); --count) {
    mail::HistoryEvent event = read_event(in);
    if (in.right()) out.push_back(std::move(event));
  }
  if (!in.used_up()) return corrupt("history", bytes);
  return {};
}

void encode_note(Instant expires, std::string_view value, std::string& out) {
  ByteWriter to(out);
  to.u8(kRecordVersion);
  to.time(expires);
  to.rest(value);
}

Result<NoteRecord> decode_note(std::string_view bytes) {
  ByteReader in(bytes);
  if (!read_version(in)) return corrupt("note", bytes);
  NoteRecord note;
  note.expires = in.time();
  note.value = in.rest();
  if (!in.used_up()) return corrupt("note", bytes);
  return note;
}

}  // namespace posthaste::queue
