// What RocksStore does beside what every store does: opening, versions, unreadable records, what it
// leaves on disk.
#include "queue/rocks/rocks_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "queue/rocks/database.h"
#include "queue/rocks/keys.h"
#include "tests/unit/queue/store_house.h"

namespace posthaste::queue {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const MessageId kId = id_at(1000);
const MessageId kLater = id_at(2000);

class RocksDirectory : public ::testing::Test {
 protected:
  RocksOptions options() {
    RocksOptions made = small_options(dir_.path());
    made.log = [this](LogLevel level, std::string_view words) {
      const std::lock_guard lock(mutex_);
      if (level >= LogLevel::kWarning) log_ += std::string(words) + "\n";
    };
    return made;
  }
  std::unique_ptr<RocksStore> open() {
    auto store = RocksStore::open(options());
    EXPECT_TRUE(store) << store.error().words;
    return std::move(*store);
  }
  Error open_error() {
    auto store = RocksStore::open(options());
    EXPECT_FALSE(store);
    return store ? Error{} : store.error();
  }
  // Looks at the database, or spoils it, while no store has it open.
  std::unique_ptr<Database> database() { return std::move(*Database::open(options())); }
  void put(Family family, std::string_view key, std::string_view value) {
    const auto opened = database();
    ASSERT_TRUE(opened->db().Put({}, opened->family(family), slice(key), slice(value)).ok());
  }
  std::vector<std::string> keys(Family family) {
    const auto opened = database();
    const auto found = opened->iterate(family);
    std::vector<std::string> all;
    for (found->SeekToFirst(); found->Valid(); found->Next())
      all.push_back(found->key().ToString());
    return all;
  }
  std::string log() {
    const std::lock_guard lock(mutex_);
    return log_;
  }

  TemporaryDirectory dir_;

 private:
  std::mutex mutex_;  // RocksDB's threads log too
  std::string log_;
};

// ---- opening ------------------------------------------------------------------------------------

TEST_F(RocksDirectory, RefusesADirectoryThatIsNotThere) {
  RocksOptions wrong = options();
  wrong.dir += "/absent";
  const auto store = RocksStore::open(wrong);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(store.error().words, HasSubstr(wrong.dir));
}

TEST_F(RocksDirectory, RefusesAFileInThePlaceOfTheDirectory) {
  RocksOptions wrong = options();
  wrong.dir = "/dev/null";
  EXPECT_THAT(RocksStore::open(wrong).error().words, HasSubstr("is not a directory"));
}

TEST_F(RocksDirectory, RefusesADirectoryThatItMayNotWriteTo) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to make a child that is somebody else";
  const pid_t child = ::fork();
  if (child == 0) {
    std::filesystem::permissions(dir_.path(), std::filesystem::perms::others_all);
    if (::chdir("/") != 0 || ::setuid(65534) != 0) ::_exit(2);
    RocksOptions wrong = small_options("/");
    const auto store = RocksStore::open(wrong);
    ::_exit(!store &&
                    store.error().words.find("cannot be used by user id 65534") != std::string::npos
                ? 0
                : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(RocksDirectory, SaysWhenTheQueueIsInUse) {
  const auto first = open();
  const Error error = open_error();
  EXPECT_EQ(error.code, ErrorCode::kBusy);
  EXPECT_THAT(error.words, HasSubstr("another posthasted uses " + dir_.path()));
}

TEST_F(RocksDirectory, SaysWhenAnotherProcessUsesTheQueue) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer hangs where the child of a process with threads starts some";
#endif
  int ready[2], done[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(done), 0);
  const pid_t child = ::fork();
  char byte = 0;
  if (child == 0) {
    const auto store = RocksStore::open(small_options(dir_.path()));
    const bool told = ::write(ready[1], "x", 1) == 1;
    ::close(done[1]);
    const auto closed = ::read(done[0], &byte, 1);
    ::_exit(store && told && closed == 0 ? 0 : 1);
  }
  ::close(done[0]);
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_EQ(open_error().code, ErrorCode::kBusy);
  ::close(done[1]);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(open());
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_F(RocksDirectory, RefusesANewerFormatAndLeavesItAlone) {
  open().reset();
  put(Family::kDefault, kSchemaKey, "3");
  const auto before = keys(Family::kDefault);
  const Error error = open_error();
  EXPECT_EQ(error.code, ErrorCode::kUnsupported);
  EXPECT_THAT(error.words, HasSubstr("written by a newer version (format 3"));
  EXPECT_EQ(keys(Family::kDefault), before);
}

TEST_F(RocksDirectory, RefusesAColumnFamilyOfANewerFormat) {
  open().reset();
  {
    const auto opened = database();
    rocksdb::ColumnFamilyHandle* family = nullptr;
    ASSERT_TRUE(opened->db().CreateColumnFamily({}, "sched", &family).ok());
    opened->db().DestroyColumnFamilyHandle(family);
  }
  const Error error = open_error();
  EXPECT_EQ(error.code, ErrorCode::kUnsupported);
  EXPECT_THAT(error.words, HasSubstr("\"sched\""));
}

TEST_F(RocksDirectory, RefusesMessagesWithoutAFormat) {
  commit_one(*open(), make_accept(kId, {{5, 0}}));
  {
    const auto opened = database();
    ASSERT_TRUE(opened->db().Delete({}, slice(kSchemaKey)).ok());
  }
  EXPECT_EQ(open_error().code, ErrorCode::kCorrupt);
}

// ---- notes --------------------------------------------------------------------------------------

TEST_F(RocksDirectory, DeletesNotesThatHaveExpiredOrCannotBeRead) {
  const auto keep = [](std::string key, int seconds) {
    return Keep{NoteKind::kTlsHost, std::move(key), "v", Instant(std::chrono::seconds(seconds))};
  };
  commit(*open(), {keep("old", 10), keep("young", 20)});
  put(Family::kTls, note_key(NoteKind::kTlsHost, "spoilt"), "\x07");
  {
    const auto store = open();
    EXPECT_THAT(rendered_notes(*store, NoteKind::kTlsHost, Instant{}), SizeIs(2));
    EXPECT_TRUE(store->prune_notes(Instant(std::chrono::seconds(10))));
    EXPECT_EQ(store->stats().corrupt, 1U);
    EXPECT_THAT(log(), HasSubstr("a note was deleted: note record of unknown version 7"));
  }
  EXPECT_THAT(keys(Family::kTls), ::testing::ElementsAre("hyoung"));
}

TEST_F(RocksDirectory, ComesToEveryNoteInTurnWhenItPrunes) {
  const auto store = open();
  std::vector<Request> batch;
  for (std::size_t i = 0; i < 5'000; ++i) {
    batch.push_back(Keep{NoteKind::kTlsHost, std::to_string(i), "v", Instant{}});
  }
  commit(*store, std::move(batch));
  const Instant before_the_epoch{Duration(-1)};
  std::size_t left = 5'000;
  for (int round = 0; round < 3; ++round) {
    EXPECT_TRUE(store->prune_notes(Instant{}));
    const std::size_t now = rendered_notes(*store, NoteKind::kTlsHost, before_the_epoch).size();
    EXPECT_LT(now, left);
    EXPECT_LE(left - now, 2'000U) << "a call is cheap";
    left = now;
  }
  EXPECT_EQ(left, 0U);
}

// ---- unreadable records -------------------------------------------------------------------------

TEST_F(RocksDirectory, SetsAnUnreadableRecipientAsideAndGoesOn) {
  commit_one(*open(), make_accept(kId, {{5, 0}, {5, 1}, {700, 2}}));
  put(Family::kRcpt, recipient_key({5, kId, 1}).view(), "\x01nonsense");
  for (int start = 0; start < 2; ++start) {
    const auto store = open();
    EXPECT_THAT(only<Entry>(gain_all(*store)), SizeIs(2)) << "start " << start;
    EXPECT_EQ(store->stats().corrupt, start == 0 ? 1U : 0U);
  }
  EXPECT_THAT(log(), HasSubstr("recipient 1 of message " + render_id(kId) + " was set aside"));
  const auto store = open();
  gain_all(*store);
  commit_one(*store, make_settle(5, kId, {delivered(0)}));
  commit_one(*store, make_settle(700, kId, {delivered(2)}));
  EXPECT_TRUE(store->envelope(kId)) << "the recipient set aside keeps its message";
  EXPECT_TRUE(store->body_chunk(kId, 0));
}

TEST_F(RocksDirectory, SetsARecipientAsideThatCannotBeReadWhenItIsSettled) {
  commit_one(*open(), make_accept(kId, {{5, 0}, {600, 1}}));
  put(Family::kRcpt, recipient_key({600, kId, 1}).view(), "\x07");
  const auto store = open();
  EXPECT_THAT(only<Superseded>(commit_one(*store, make_settle(600, kId, {delivered(1)}))),
              SizeIs(1));
  EXPECT_EQ(store->stats().corrupt, 1U);
  EXPECT_THAT(only<Entry>(gain_all(*store)), SizeIs(1));
  commit_one(*store, make_settle(5, kId, {delivered(0)}));
  EXPECT_TRUE(store->envelope(kId));
}

TEST_F(RocksDirectory, SetsAMessageAsideWithItsUnreadableEnvelope) {
  commit_one(*open(), make_accept(kId, {{5, 0}, {6, 1}}));
  put(Family::kMsg, message_key(kId).view(), "\x02");
  {
    const auto store = open();
    gain_all(*store);
    for (const auto code : {ErrorCode::kCorrupt, ErrorCode::kNotFound}) {
      const auto events = commit_one(*store, Load{1, 5, kId, {0}, 100});
      ASSERT_THAT(only<NotLoaded>(events), SizeIs(1));
      EXPECT_EQ(only<NotLoaded>(events)[0].error.code, code);
    }
    EXPECT_EQ(store->stats().corrupt, 2U);
    EXPECT_THAT(log(), HasSubstr("recipient 0 of message " + render_id(kId) + " was set aside"));
  }
  {
    const auto store = open();
    const auto entries = only<Entry>(gain_all(*store));
    ASSERT_THAT(entries, SizeIs(1)) << "nobody has asked for the other one yet";
    const auto events = commit_one(*store, Load{1, 6, kId, {1}, 100});
    EXPECT_EQ(only<NotLoaded>(events)[0].error.code, ErrorCode::kCorrupt);
    EXPECT_TRUE(store->body_chunk(kId, 0)) << "nothing of it is lost";
  }
  EXPECT_THAT(only<Entry>(gain_all(*open())), IsEmpty());
  EXPECT_THAT(keys(Family::kMsg), IsEmpty());
  EXPECT_THAT(keys(Family::kDefault),
              ::testing::Contains(prefixed(kCorruptMessagePrefix, message_key(kId).view())));
}

TEST_F(RocksDirectory, SaysThatAMessageWithoutItsBodyIsCorrupt) {
  commit_one(*open(), make_accept(kId, {{5, 0}}));
  {
    const auto opened = database();
    const auto key = body_key(kId, 0);
    ASSERT_TRUE(
        opened->db().SingleDelete({}, opened->family(Family::kBody), slice(key.view())).ok());
  }
  {
    const auto store = open();
    const auto events = commit_one(*store, Load{1, 5, kId, {0}, 100});
    EXPECT_EQ(only<NotLoaded>(events)[0].error.code, ErrorCode::kCorrupt);
    EXPECT_TRUE(store->envelope(kId));
  }
  EXPECT_THAT(only<Entry>(gain_all(*open())), IsEmpty());
}

TEST_F(RocksDirectory, SetsAsideWhatIsNoKey) {
  commit_one(*open(), make_accept(kId, {{5, 0}}));
  put(Family::kRcpt, "short", "value");
  const auto store = open();
  EXPECT_THAT(only<Entry>(gain_all(*store)), SizeIs(1));
  EXPECT_THAT(list_all(*store), SizeIs(1));
  EXPECT_EQ(store->stats().corrupt, 1U);
}

TEST_F(RocksDirectory, ReadsADamagedLogUpToTheDamageAndSaysSo) {
  std::filesystem::path newest;
  {
    const auto store = open();
    for (std::uint64_t i = 0; i < 20; ++i) {
      commit_one(*store, make_accept(id_at(1000 + i), {{5, 0}}, 4096));
    }
  }
  for (const auto& file : std::filesystem::directory_iterator(dir_.path())) {
    if (file.path().extension() == ".log" && file.path() > newest) newest = file.path();
  }
  {
    std::fstream log(newest, std::ios::in | std::ios::out | std::ios::binary);
    log.seekp(static_cast<std::streamoff>(std::filesystem::file_size(newest) / 2));
    log << "rot";
  }
  const auto store = open();
  const auto entries = only<Entry>(gain_all(*store));
  EXPECT_GT(entries.size(), 5U);
  EXPECT_LT(entries.size(), 15U);
  EXPECT_EQ(entries.back().id, id_at(1000 + entries.size() - 1)) << "a prefix";
  EXPECT_THAT(log(), HasSubstr("Corruption"));
}

// ---- what is left on the disk -------------------------------------------------------------------

TEST_F(RocksDirectory, LeavesNothingOfMailThatIsGone) {
  {
    const auto store = open();
    commit_one(*store, make_accept(kId, {{5, 0}}, 3 * mail::kChunkBytesMax));
    commit_one(*store, make_accept(kLater, {{5, 0}, {6, 1}}));
    commit_one(*store, make_settle(5, kLater, {deferred(0, 0)}));
    Accept streamed = make_accept(id_at(3000), {{5, 0}}, 2 * mail::kChunkBytesMax);
    commit_one(*store, take_appends(streamed)[0]);
    Accept abandoned = make_accept(id_at(3001), {{5, 0}}, 2 * mail::kChunkBytesMax);
    commit_one(*store, take_appends(abandoned)[0]);
    commit_one(*store, Abandon{id_at(3001)});
  }
  {
    const auto store = open();
    commit_one(*store, make_settle(6, kLater, {bounced(1, 0)}));  // before the scan comes by
    gain_all(*store);
    EXPECT_EQ(store->stats().tracked, 1U) << "the one of several recipients";
    commit_one(*store, make_settle(5, kId, {delivered(0)}));
    commit_one(*store, make_settle(5, kLater, {delivered(0)}));
    EXPECT_EQ(store->stats().tracked, 0U);
  }
  for (const Family family : {Family::kBody, Family::kMsg, Family::kRcpt}) {
    EXPECT_THAT(keys(family), IsEmpty());
  }
  EXPECT_THAT(keys(Family::kDefault), ::testing::ElementsAre("epoch", "last_id", "schema"));
}

TEST_F(RocksDirectory, FlushesNothingOfMailThatGoesOutAtOnce) {
  {
    const auto store = open();
    for (std::uint64_t i = 0; i < 3000; ++i) {  // 12 MB through memtables of 256 KiB
      commit_one(*store, make_accept(id_at(1000 + i), {{5, 0}}, 4096));
      commit_one(*store, make_settle(5, id_at(1000 + i), {delivered(0)}));
    }
  }
  std::uintmax_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir_.path())) {
    const auto kind = entry.path().extension();
    if (kind == ".sst" || kind == ".blob") bytes += entry.file_size();
  }
  EXPECT_LT(bytes, 200000U);
}

TEST_F(RocksDirectory, GivesBackTheRoomOfABacklogThatHasDrained) {
  constexpr std::uint64_t kMessages = 3000;
  const auto bytes = [this] {
    std::uintmax_t sum = 0;
    for (const auto& entry : std::filesystem::directory_iterator(dir_.path())) {
      std::error_code gone;
      const auto size = entry.file_size(gone);
      if (!gone) sum += size;
    }
    return sum;
  };
  const auto store = open();
  for (std::uint64_t i = 0; i < kMessages; ++i) {  // 24 MB through memtables of 256 KiB
    commit_one(*store, make_accept(id_at(1000 + i), {{5, 0}}, 8000));
  }
  const std::uintmax_t full = bytes();
  EXPECT_GT(full, kMessages * 8000);
  for (std::uint64_t i = 0; i < kMessages; ++i) {
    commit_one(*store, make_settle(5, id_at(1000 + i), {delivered(0)}));
  }
  store->give_back_room();
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (bytes() > full / 20 && std::chrono::steady_clock::now() < until) {
    std::this_thread::yield();
  }
  EXPECT_LT(bytes(), full / 20);
}

TEST_F(RocksDirectory, ReadsNothingForALoneRecipientThatIsDeliveredAtOnce) {
  const auto store = open();
  commit_one(*store, make_accept(kId, {{5, 0}}));
  EXPECT_EQ(store->stats().tracked, 1U);
  commit_one(*store, make_settle(5, kId, {deferred(0, 0)}));
  EXPECT_EQ(store->stats().tracked, 0U) << "its record says all from now on";
  commit_one(*store, make_accept(kLater, {{5, 0}, {5, 1}}));
  commit_one(*store, make_settle(5, kLater, {deferred(0, 0)}));
  EXPECT_EQ(store->stats().tracked, 1U);
  commit_one(*store, make_settle(5, kLater, {delivered(0), delivered(1)}));
  EXPECT_EQ(store->stats().tracked, 0U);
}

TEST_F(RocksDirectory, SyncsOncePerCommitAndOnlyForWhatIsAnswered) {
  RocksOptions synced = options();
  synced.sync = true;
  const auto store = std::move(*RocksStore::open(synced));
  commit(*store, {make_accept(kId, {{5, 0}}), make_accept(kLater, {{5, 0}})});
  EXPECT_EQ(store->stats().syncs, 1U);
  Accept streamed = make_accept(id_at(3000), {{5, 0}}, 2 * mail::kChunkBytesMax);
  commit_one(*store, take_appends(streamed)[0]);
  commit_one(*store, Load{1, 5, kId, {0}, 100});
  EXPECT_EQ(store->stats().syncs, 1U);
  EXPECT_EQ(store->stats().commits, 2U);
  commit(*store, {make_settle(5, kId, {delivered(0)}), make_settle(5, kLater, {deferred(0, 0)})});
  EXPECT_EQ(store->stats().syncs, 2U);
  commit_one(*store, Keep{NoteKind::kTlsHost, "mx", "v", kNever});
  EXPECT_EQ(store->stats().syncs, 2U) << "a note is as durable as what it is written with";
  commit_one(*store, Keep{NoteKind::kSuspension, "a", "v", kNever, 1});
  commit_one(*store, DropNote{NoteKind::kSuspension, "a", 2});
  EXPECT_EQ(store->stats().syncs, 4U) << "unless somebody waits for it";
  EXPECT_GT(store->stats().bytes, 0U);
  EXPECT_GT(store->stats().free_space, 0U);
}

}  // namespace
}  // namespace posthaste::queue
