// What every store has to do with notes, whichever it is (queue/store.h, queue/note.h).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/queue/any_store.h"

namespace posthaste::queue {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class AnyStoresNotes : public AnyStore {
 protected:
  static Instant at(int seconds) { return Instant(std::chrono::seconds(seconds)); }
  Keep keep(std::string key, std::string value, int expires = 100) {
    return Keep{NoteKind::kTlsHost, std::move(key), std::move(value), at(expires)};
  }
  std::vector<std::string> notes(NoteKind kind = NoteKind::kTlsHost, int now = 0) {
    return rendered_notes(store(), kind, at(now));
  }
};
INSTANTIATE_TEST_SUITE_P(Stores, AnyStoresNotes, kEveryStore, store_name);

TEST_P(AnyStoresNotes, AreRememberedOverARestart) {
  EXPECT_THAT(now(keep("mx.example", "something")), IsEmpty()) << "no answer";
  restart();
  EXPECT_THAT(notes(), ElementsAre("mx.example=something until 100000000"));
}

TEST_P(AnyStoresNotes, AreOverwrittenAndDropped) {
  now(keep("a", "1"));
  now(keep("b", "1"));
  now(keep("a", "2", 200));
  now(DropNote{NoteKind::kTlsHost, "b"});
  now(DropNote{NoteKind::kTlsHost, "never there"});
  EXPECT_THAT(notes(), ElementsAre("a=2 until 200000000"));
  restart();
  EXPECT_THAT(notes(), ElementsAre("a=2 until 200000000"));
}

TEST_P(AnyStoresNotes, KeepTheLastOfABatch) {
  commit(store(), {keep("a", "1"), keep("a", "2"), DropNote{NoteKind::kTlsHost, "b"},
                   keep("b", "1"), keep("c", "1"), DropNote{NoteKind::kTlsHost, "c"}});
  EXPECT_THAT(notes(), ElementsAre("a=2 until 100000000", "b=1 until 100000000"));
}

TEST_P(AnyStoresNotes, OfOneKindAreNotThoseOfAnother) {
  now(keep("a", "host"));
  now(Keep{NoteKind::kTlsReport, "a", "report", kNever});
  now(Keep{NoteKind::kTlsReport, "", "empty key", at(7)});
  now(DropNote{NoteKind::kTlsHost, "a"});
  EXPECT_THAT(notes(NoteKind::kTlsHost), IsEmpty());
  EXPECT_THAT(notes(NoteKind::kStsPolicy), IsEmpty());
  EXPECT_THAT(notes(NoteKind::kTlsReport),
              ElementsAre("=empty key until 7000000",
                          "a=report until " + std::to_string(kNever.time_since_epoch().count())));
}

TEST_P(AnyStoresNotes, AreGoneFromTheInstantThatTheyExpire) {
  now(keep("a", "1", 10));
  now(keep("b", "1", 11));
  EXPECT_THAT(notes(NoteKind::kTlsHost, 9), SizeIs(2));
  EXPECT_THAT(notes(NoteKind::kTlsHost, 10), ElementsAre("b=1 until 11000000"));
  EXPECT_TRUE(store().prune_notes(at(10)));
  EXPECT_THAT(notes(NoteKind::kTlsHost, 0), ElementsAre("b=1 until 11000000"));
}

TEST_P(AnyStoresNotes, LiveBesideMail) {
  const MessageId id = id_at(1000);
  commit(store(), {make_accept(id, {{5, 0}}), keep("a", "1")});
  commit(store(), {make_settle(5, id, {delivered(0)}), keep("b", "1")});
  restart();
  EXPECT_THAT(notes(), SizeIs(2));
  EXPECT_THAT(only<Entry>(gain_all(store())), IsEmpty());
}

TEST_P(AnyStoresNotes, AreAnsweredWhenTheyHaveATicket) {
  Keep suspended{NoteKind::kSuspension, "example.com", "since noon", kNever, 9};
  const auto kept = now(suspended);
  ASSERT_THAT(kept, SizeIs(1));
  EXPECT_EQ(std::get<Kept>(kept[0]).ticket, 9U);
  restart();
  EXPECT_THAT(notes(NoteKind::kSuspension), SizeIs(1));
  const auto dropped = now(DropNote{NoteKind::kSuspension, "example.com", 10});
  ASSERT_THAT(dropped, SizeIs(1));
  EXPECT_EQ(std::get<Kept>(dropped[0]).ticket, 10U);
  EXPECT_THAT(now(DropNote{NoteKind::kSuspension, "example.com", 11}), SizeIs(1));
  restart();
  EXPECT_THAT(notes(NoteKind::kSuspension), IsEmpty());
}

TEST_P(AnyStoresNotes, StayInTheBatchForTheirOwner) {
  std::vector<Request> batch{keep("a", "1")};
  std::vector<StoreEvent> events;
  EXPECT_TRUE(store().commit(batch, events));
  EXPECT_EQ(std::get<Keep>(batch[0]).key, "a");
}

}  // namespace

TEST(MemoryStoreInTrouble, RefusesNotesWithTheFatesAndSaysSo) {
  MemoryStore store;
  std::vector<Request> batch{Keep{NoteKind::kTlsHost, "a", "1", kNever}};
  std::vector<StoreEvent> events;
  store.set_trouble(MemoryStore::Trouble{true, false, "full"});
  EXPECT_TRUE(store.commit(batch, events)) << "a disk near its floor takes them";
  store.set_trouble(MemoryStore::Trouble{true, true, "broken"});
  batch = {Keep{NoteKind::kTlsHost, "b", "1", kNever}};
  EXPECT_FALSE(store.commit(batch, events));
  EXPECT_EQ(std::get<Keep>(batch[0]).key, "b") << "still there, to be repeated";
  EXPECT_THAT(only<NotKept>(events), ::testing::IsEmpty()) << "nobody asked for an answer";
  batch = {Keep{NoteKind::kSuspension, "c", "1", kNever, 3}, DropNote{NoteKind::kTlsHost, "a", 4}};
  EXPECT_FALSE(store.commit(batch, events));
  EXPECT_THAT(only<NotKept>(events), ::testing::SizeIs(2));
  EXPECT_THAT(rendered_notes(store, NoteKind::kTlsHost, Instant{}), ::testing::SizeIs(1));
}

}  // namespace posthaste::queue
