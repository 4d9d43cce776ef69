#include "queue/record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/unit/queue/store_house.h"

namespace posthaste::queue {
namespace {

mail::Envelope full_envelope() {
  mail::Envelope envelope;
  envelope.id = id_at(1700000000000, 5);
  envelope.sender = mail::Mailbox::trusted("sender@example.com");
  envelope.body_type = mail::BodyType::kBinaryMime;
  envelope.smtputf8 = true;
  envelope.eight_bit = true;
  envelope.ret = mail::DsnReturn::kHeaders;
  envelope.tls_wish = mail::TlsWish::kOptional;
  envelope.envid = "id with \0 in it";
  envelope.arrived = Instant(Duration(-5));
  envelope.body_bytes = std::numeric_limits<std::uint64_t>::max();
  envelope.body_chunks = 65535;
  envelope.recipients_total = 128;
  envelope.deliver_by = mail::DeliverBy{Instant(Duration(77)), true, true};
  envelope.hold_until = Instant(Duration(-1));
  envelope.priority = mail::kPriorityMin;
  envelope.submitter = std::string(300, 's');
  return envelope;
}

mail::PendingRecipient full_recipient() {
  mail::PendingRecipient pending = recipient_to({1023, 65535});
  pending.recipient.notify = 15;
  pending.progress.revision = std::numeric_limits<std::uint32_t>::max();
  pending.progress.attempts = 127;
  pending.progress.due = kNever;
  pending.progress.retry_class = "tls";
  pending.progress.last_host = "mx1.example.com[2001:db8::1]:25";
  pending.progress.last_words = "421 4.7.0 \xF0\x9F\x93\xA7";
  pending.progress.maybe_delivered = true;
  pending.progress.held = true;
  pending.progress.delay_told = true;
  pending.tls_wish = mail::TlsWish::kOptional;
  pending.priority = mail::kPriorityMax;
  pending.own_limits = true;
  return pending;
}

mail::HistoryEvent full_event() {
  mail::HistoryEvent event;
  event.time = Instant(std::chrono::seconds(1));
  event.kind = mail::HistoryKind::kDelayTold;
  event.attempt = 70000;
  event.next_due = kNever;
  event.recipient = "a@example.com b@example.com";
  event.sender = "s@example.com";
  event.host = "mx";
  event.tls = "TLSv1.3";
  event.words = "250 ok";
  event.retry_class = "other";
  return event;
}

TEST(Record, GivesBackAnEnvelope) {
  const mail::Envelope envelope = full_envelope();
  std::string bytes;
  encode_envelope(envelope, bytes);
  EXPECT_EQ(decode_envelope(envelope.id, bytes).value(), envelope);
}

TEST(Record, GivesBackARecipient) {
  const mail::PendingRecipient pending = full_recipient();
  std::string bytes;
  encode_recipient(pending, {65535, 3}, bytes);
  const auto record = decode_recipient(1023, 65535, bytes);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->pending, pending);
  EXPECT_EQ(record->message, (MessageSize{65535, 3}));
}

TEST(Record, GivesBackAHistory) {
  const std::vector<mail::HistoryEvent> events{full_event(), {}, full_event()};
  std::string bytes;
  encode_history(events, bytes);
  std::vector<mail::HistoryEvent> again;
  ASSERT_TRUE(decode_history(bytes, again));
  EXPECT_EQ(again, events);
}

TEST(Record, GivesBackEveryWish) {
  for (const auto wish : {mail::TlsWish::kPolicy, mail::TlsWish::kRequireTls,
                          mail::TlsWish::kOptional, mail::TlsWish::kRequireTlsIfOffered}) {
    mail::Envelope envelope = full_envelope();
    mail::PendingRecipient pending = full_recipient();
    envelope.tls_wish = pending.tls_wish = wish;
    std::string envelope_bytes, recipient_bytes;
    encode_envelope(envelope, envelope_bytes);
    encode_recipient(pending, {2, 1}, recipient_bytes);
    EXPECT_EQ(decode_envelope(envelope.id, envelope_bytes).value(), envelope);
    EXPECT_EQ(decode_recipient(1023, 65535, recipient_bytes).value().pending, pending);
  }
}

TEST(Record, GivesBackANote) {
  std::string bytes;
  encode_note(Instant(Duration(0x0102)), std::string("any\0thing", 9), bytes);
  EXPECT_EQ(bytes, std::string("\x01\x02\x01\0\0\0\0\0\0any\0thing", 18));
  const auto note = decode_note(bytes);
  ASSERT_TRUE(note);
  EXPECT_EQ(note->expires, Instant(Duration(0x0102)));
  EXPECT_EQ(note->value, std::string("any\0thing", 9));
  EXPECT_FALSE(decode_note(std::string_view(bytes).substr(0, 8)));
  EXPECT_FALSE(decode_note("\x02" + bytes.substr(1)));
  EXPECT_TRUE(decode_note(std::string_view(bytes).substr(0, 9))) << "an empty value";
}

// The bytes of docs/queue-format.md: a change here is a change of the format.
TEST(Record, HasTheBytesThatTheDocumentSays) {
  mail::Envelope envelope;
  envelope.sender = mail::Mailbox::trusted("a@b");
  envelope.eight_bit = true;
  envelope.arrived = Instant(Duration(0x0102));
  envelope.body_bytes = 300;
  envelope.body_chunks = 1;
  envelope.recipients_total = 2;
  std::string bytes;
  encode_envelope(envelope, bytes);
  EXPECT_EQ(bytes, std::string("\x02\x08\0\x09\x02\x01\0\0\0\0\0\0\xAC\x02\x01\x02\x03"
                               "a@b\0\0",
                               22));
  envelope.deliver_by = mail::DeliverBy{Instant(Duration(3)), true, false};
  envelope.hold_until = Instant(Duration(4));
  envelope.priority = 9;
  bytes.clear();
  encode_envelope(envelope, bytes);
  EXPECT_EQ(bytes.substr(0, 20),
            std::string("\x02\x08\x0B\x12\x03\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0", 20));

  mail::PendingRecipient pending;
  pending.recipient.address = mail::Mailbox::trusted("u@x");
  pending.recipient.notify = mail::kNotifyNever;
  pending.progress.due = Instant(Duration(-1));
  bytes.clear();
  encode_recipient(pending, {1, 2}, bytes);
  EXPECT_EQ(bytes, std::string("\x02\0\x01\x09\x01\x02\x03u@x\0\0\0"
                               "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0",
                               24));

  mail::HistoryEvent event;
  event.kind = mail::HistoryKind::kDelivered;
  event.attempt = 1;
  bytes.clear();
  encode_history({&event, 1}, bytes);
  EXPECT_EQ(bytes, std::string("\x01\x01\x01\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 26));
}

TEST(Record, RefusesEveryPrefixAndEveryTail) {
  std::string envelope, recipient, history;
  encode_envelope(full_envelope(), envelope);
  encode_recipient(full_recipient(), {2, 1}, recipient);
  const mail::HistoryEvent event = full_event();
  encode_history({&event, 1}, history);
  std::vector<mail::HistoryEvent> none;
  for (std::size_t size = 0; size < envelope.size(); ++size) {
    EXPECT_FALSE(decode_envelope({}, std::string_view(envelope).substr(0, size))) << size;
  }
  for (std::size_t size = 0; size < recipient.size(); ++size) {
    EXPECT_FALSE(decode_recipient(0, 0, std::string_view(recipient).substr(0, size))) << size;
  }
  for (std::size_t size = 0; size < history.size(); ++size) {
    EXPECT_FALSE(decode_history(std::string_view(history).substr(0, size), none)) << size;
  }
  EXPECT_FALSE(decode_envelope({}, envelope + '\0'));
  EXPECT_FALSE(decode_recipient(0, 0, recipient + '\0'));
  EXPECT_FALSE(decode_history(history + '\0', none));
}

TEST(Record, NamesAVersionThatItDoesNotKnow) {
  std::string bytes;
  encode_envelope(full_envelope(), bytes);
  bytes[0] = 3;
  const auto refused = decode_envelope({}, bytes);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(refused.error().words, ::testing::HasSubstr("version 3"));
  bytes[0] = 0;
  EXPECT_THAT(decode_envelope({}, bytes).error().words, ::testing::HasSubstr("version 0"));
  EXPECT_FALSE(decode_note(std::string("\x02\0\0\0\0\0\0\0\0", 9))) << "notes have no second";
}

TEST(Record, RefusesUnknownFlagsAndKinds) {
  std::string bytes;
  encode_recipient(full_recipient(), {2, 1}, bytes);
  for (const auto& [at, value] : {std::pair<std::size_t, char>{1, 64}, {2, 16}, {3, 19}}) {
    std::string wrong = bytes;
    wrong[at] = value;
    EXPECT_FALSE(decode_recipient(0, 0, wrong)) << at;
  }
  std::string envelope;
  encode_envelope(full_envelope(), envelope);
  for (const char flags : {'\x03', '\x30', '\xF0'}) {
    envelope[1] = flags;
    EXPECT_FALSE(decode_envelope({}, envelope));
  }
  const auto with = [](std::size_t at, char value) {
    std::string wrong;
    encode_envelope(mail::Envelope{}, wrong);
    wrong[at] = value;
    return wrong;
  };
  EXPECT_TRUE(decode_envelope({}, with(3, 18)));
  EXPECT_FALSE(decode_envelope({}, with(3, 19))) << "priority";
  EXPECT_FALSE(decode_envelope({}, with(2, 2))) << "a by-mode without a time";
  EXPECT_FALSE(decode_envelope({}, with(2, 4)));
  EXPECT_FALSE(decode_envelope({}, with(2, 16)));
  EXPECT_FALSE(decode_envelope({}, with(2, 8).insert(4, std::string(8, '\0')))) << "held until 0";
  EXPECT_TRUE(decode_envelope({}, with(2, 8).insert(4, std::string(8, '\1'))));
  std::vector<mail::HistoryEvent> none;
  std::string history;
  const mail::HistoryEvent event = full_event();
  encode_history({&event, 1}, history);
  history[2] = 9;
  EXPECT_FALSE(decode_history(history, none));
}

TEST(Record, RefusesNumbersThatAreTooLargeOrPadded) {
  const std::string head = std::string("\x02\0\0\x09\0\0\0\0\0\0\0\0", 12);  // to the body's bytes
  const std::string tail = std::string("\0\0\0\0\0", 5);
  EXPECT_TRUE(decode_envelope({}, head + std::string(1, '\0') + tail));
  EXPECT_TRUE(decode_envelope({}, head + std::string(9, '\xFF') + '\x01' + tail));
  EXPECT_FALSE(decode_envelope({}, head + std::string(9, '\xFF') + '\x02' + tail)) << "65 bits";
  EXPECT_FALSE(decode_envelope({}, head + std::string(10, '\xFF') + '\x01' + tail));
  EXPECT_FALSE(decode_envelope({}, head + std::string("\x80\0", 2) + tail)) << "two bytes for zero";
  const std::string chunks = std::string("\0\x80\x80\x04\0\0\0\0", 8);  // 65,536
  EXPECT_FALSE(decode_envelope({}, head + chunks));
}

}  // namespace
}  // namespace posthaste::queue
