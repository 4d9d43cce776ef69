// A queue of format 1, made here byte by byte, is taken over with all that it holds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>

#include "queue/rocks/database.h"
#include "queue/rocks/keys.h"
#include "tests/unit/queue/store_house.h"

namespace posthaste::queue {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using namespace std::string_literals;

const MessageId kLone = id_at(1000);
const MessageId kPair = id_at(2000);

// REQUIRETLS, 8BITMIME, arrived at 0x0102 µs, 300 bytes in one chunk.
std::string envelope_of_one(char recipients) {
  return "\x01\x41\x02\x01\0\0\0\0\0\0\xAC\x02\x01"s + recipients + "\x03" + "a@b\0\0"s;
}
// Attempted twice, due at 0x0A00 µs.
std::string deferred_of_one(char recipients) {
  return "\x01\x03\x04"s + recipients + "\x01\x08u@x.test\0\x02\x02\0\x0A\0\0\0\0\0\0"s +
         "\x08greylist\x02mx\x09" + "451 later";
}
std::string untried_of_one(char recipients) {
  return "\x01\x02\0"s + recipients + "\x01\x08v@x.test\0\0\0\0\x0A\0\0\0\0\0\0\0\0\0"s;
}

class FormatOne : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto database = std::move(*Database::open(options()));
    const auto put = [&](Family family, std::string_view key, const std::string& value) {
      ASSERT_TRUE(database->db().Put({}, database->family(family), slice(key), value).ok());
    };
    put(Family::kDefault, kSchemaKey, "1");
    put(Family::kDefault, kEpochKey, "5");
    put(Family::kDefault, kLastIdKey, std::string(message_key(kPair).view()));
    for (const auto& [id, recipients] : {std::pair{kLone, '\x01'}, {kPair, '\x02'}}) {
      put(Family::kMsg, message_key(id).view(), envelope_of_one(recipients));
      put(Family::kBody, body_key(id, 0).view(), std::string(300, 'b'));
      put(Family::kRcpt, recipient_key({5, id, 0}).view(), deferred_of_one(recipients));
      put(Family::kEvent, event_key(id, 1).view(), "\x01\x01\0"s + std::string(23, '\0'));
    }
    put(Family::kRcpt, recipient_key({5, kPair, 1}).view(), untried_of_one('\x02'));
    put(Family::kTls, "hmx.test", "\x01\0\0\0\0\0\0\0\x01note"s);
  }
  RocksOptions options() {
    RocksOptions made = small_options(dir_.path());
    made.log = [this](LogLevel level, std::string_view words) {
      const std::lock_guard lock(mutex_);
      if (level >= LogLevel::kInfo) log_ += std::string(words) + "\n";
    };
    return made;
  }
  std::unique_ptr<RocksStore> open() {
    auto store = RocksStore::open(options());
    EXPECT_TRUE(store) << store.error().words;
    return std::move(*store);
  }
  std::string stored(Family family, std::string_view key) {
    const auto database = std::move(*Database::open(options()));
    rocksdb::PinnableSlice value;
    EXPECT_TRUE(database->get(family, key, value).ok());
    return value.ToString();
  }
  std::string log() {
    const std::lock_guard lock(mutex_);
    return log_;
  }

 private:
  TemporaryDirectory dir_;
  std::mutex mutex_;
  std::string log_;
};

TEST_F(FormatOne, IsReadWithAllThatItHolds) {
  const auto store = open();
  const auto entries = only<Entry>(gain_all(*store));
  ASSERT_THAT(entries, SizeIs(3));
  EXPECT_EQ(entries[0].id, kLone);
  EXPECT_EQ(entries[0].attempts, 2U);
  EXPECT_EQ(entries[0].due, Instant(Duration(0x0A00)));
  EXPECT_EQ(entries[0].tls_wish, mail::TlsWish::kRequireTls);
  EXPECT_EQ(entries[0].priority, 0);
  EXPECT_FALSE(entries[0].held);
  const mail::Envelope envelope = store->envelope(kLone).value();
  EXPECT_EQ(envelope.sender.text(), "a@b");
  EXPECT_EQ(envelope.body_type, mail::BodyType::k8BitMime);
  EXPECT_EQ(envelope.arrived, Instant(Duration(0x0102)));
  EXPECT_EQ(envelope.body_bytes, 300U);
  EXPECT_FALSE(envelope.deliver_by);
  EXPECT_EQ(envelope.hold_until, Instant{});
  EXPECT_THAT(store->history(kPair).value(), SizeIs(1));
  EXPECT_THAT(rendered_notes(*store, NoteKind::kTlsHost, Instant{}), SizeIs(1));
  EXPECT_EQ(store->stats().corrupt, 0U);
}

TEST_F(FormatOne, BecomesFormatTwoAndSaysSoOnce) {
  open().reset();
  EXPECT_EQ(stored(Family::kDefault, kSchemaKey), "2");
  EXPECT_EQ(stored(Family::kDefault, kEpochKey), "6");
  EXPECT_THAT(log(), HasSubstr("was of format 1 and is of format 2 from now on"));
  const std::size_t said = log().size();
  open().reset();
  EXPECT_EQ(log().size(), said) << log();
  EXPECT_EQ(stored(Family::kRcpt, recipient_key({5, kLone, 0}).view()), deferred_of_one('\x01'))
      << "records stay as they are until they change";
}

TEST_F(FormatOne, IsDeliveredAndDeferred) {
  {
    const auto store = open();
    const auto loaded = only<Loaded>(commit_one(*store, Load{1, 5, kPair, {0, 1}, 1000}));
    ASSERT_THAT(loaded, SizeIs(1));
    EXPECT_THAT(loaded[0].letter->recipients, SizeIs(2));
    Fate held = deferred(1, 0);
    held.progress.held = true;
    commit(*store, {make_settle(5, kLone, {delivered(0, 2)}),
                    make_settle(5, kPair, {delivered(0, 2), held})});
    EXPECT_FALSE(store->envelope(kLone));
  }
  EXPECT_EQ(stored(Family::kRcpt, recipient_key({5, kPair, 1}).view())[0], '\x02');
  const auto store = open();
  const auto entries = only<Entry>(gain_all(*store));
  ASSERT_THAT(entries, SizeIs(1));
  EXPECT_TRUE(entries[0].held);
  EXPECT_EQ(entries[0].tls_wish, mail::TlsWish::kRequireTls) << "of version 1, still";
  commit_one(*store, make_settle(5, kPair, {bounced(1, 1)}));
  EXPECT_FALSE(store->envelope(kPair));
  EXPECT_THAT(list_all(*store), IsEmpty());
}

TEST_F(FormatOne, TakesNewMailBesideTheOld) {
  const auto store = open();
  EXPECT_THAT(only<Accepted>(commit_one(*store, make_accept(id_at(3000), {{5, 0}}))), SizeIs(1));
  EXPECT_THAT(only<Entry>(gain_all(*store)), SizeIs(3));
  EXPECT_THAT(list_all(*store), SizeIs(4));
}

}  // namespace
}  // namespace posthaste::queue
