#include "queue/record.h"

#include <utility>

#include "lib/base/check.h"
#include "lib/base/codec.h"

namespace posthaste::queue {
namespace {

constexpr std::uint8_t kRecordVersion = 1;
constexpr std::uint8_t kTlsWishMax = static_cast<std::uint8_t>(mail::TlsWish::kRequireTlsIfOffered);
constexpr std::uint8_t kNotifyAll =
    mail::kNotifyNever | mail::kNotifySuccess | mail::kNotifyFailure | mail::kNotifyDelay;

tl::unexpected<Error> corrupt(const char* what, std::string_view bytes) {
  if (!bytes.empty() && static_cast<std::uint8_t>(bytes.front()) != kRecordVersion) {
    return fail(ErrorCode::kCorrupt, std::string(what) + " record of unknown version " +
                                         std::to_string(static_cast<unsigned char>(bytes.front())));
  }
  return fail(ErrorCode::kCorrupt, std::string(what) + " record of " +
                                       std::to_string(bytes.size()) +
                                       " bytes does not follow its format");
}

bool read_version(ByteReader& in) {
  if (in.u8(0xFF) != kRecordVersion) in.wrong();
  return in.right();
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

std::uint8_t recipient_flags(const mail::PendingRecipient& pending) {
  const unsigned maybe_delivered = pending.progress.maybe_delivered ? 1 : 0;
  return static_cast<std::uint8_t>(maybe_delivered | static_cast<unsigned>(pending.tls_wish) << 1);
}

void read_recipient_flags(ByteReader& in, mail::PendingRecipient& pending) {
  const std::uint8_t flags = in.u8(kTlsWishMax << 1 | 1);
  pending.progress.maybe_delivered = (flags & 1) != 0;
  pending.tls_wish = static_cast<mail::TlsWish>(flags >> 1);
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
  event.kind = static_cast<mail::HistoryKind>(
      in.u8(static_cast<std::uint8_t>(mail::HistoryKind::kDelayTold)));
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
  to.u8(kRecordVersion);
  to.u8(envelope_flags(envelope));
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
  if (!read_version(in)) return corrupt("envelope", bytes);
  envelope.id = id;
  read_envelope_flags(in, envelope);
  envelope.arrived = in.time();
  envelope.body_bytes = in.var<std::uint64_t>();
  envelope.body_chunks = in.var<std::uint16_t>();
  envelope.recipients_total = in.var<std::uint16_t>();
  envelope.sender = mail::Mailbox::trusted(in.str());
  envelope.envid = in.str();
  envelope.submitter = in.str();
  if (!in.used_up()) return corrupt("envelope", bytes);
  return envelope;
}

void encode_recipient(const mail::PendingRecipient& pending, MessageSize message,
                      std::string& out) {
  CHECK(!pending.recipient.address.null() && message.recipients_total > 0);
  ByteWriter to(out);
  to.u8(kRecordVersion);
  to.u8(recipient_flags(pending));
  to.u8(pending.recipient.notify);
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
  if (!read_version(in)) return corrupt("recipient", bytes);
  RecipientRecord record;
  mail::PendingRecipient& pending = record.pending;
  pending.shard = shard;
  pending.recipient.number = number;
  read_recipient_flags(in, pending);
  pending.recipient.notify = in.u8(kNotifyAll);
  record.message.recipients_total = in.var<std::uint16_t>();
  record.message.body_chunks = in.var<std::uint16_t>();
  std::string address = in.str();
  if (address.empty() || record.message.recipients_total == 0) return corrupt("recipient", bytes);
  pending.recipient.address = mail::Mailbox::trusted(std::move(address));
  pending.recipient.orcpt = in.str();
  pending.progress.revision = in.var<std::uint32_t>();
  pending.progress.attempts = in.var<std::uint32_t>();
  pending.progress.due = in.time();
  pending.progress.retry_class = in.str();
  pending.progress.last_host = in.str();
  pending.progress.last_words = in.str();
  if (!in.used_up()) return corrupt("recipient", bytes);
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
