// A disk that does not give back what it took: for a while, or for good in one place.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <mutex>
#include <set>

#include "queue/rocks/database.h"
#include "tests/unit/queue/store_house.h"

namespace posthaste::queue {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const MessageId kId = id_at(1000);
const MessageId kLater = id_at(2'000'000);

class ReadErrors : public ::testing::Test {
 protected:
  std::unique_ptr<RocksStore> open() {
    auto opened = RocksStore::open(options());
    EXPECT_TRUE(opened) << opened.error().words;
    return std::move(*opened);
  }
  // Moves what was written into a table of its own, since what is in memory needs no disk. While no
  // store is open.
  void flush(Family family, const std::string& name) {
    const auto database = std::move(*Database::open(options()));
    ASSERT_TRUE(database->db().Flush({}, database->family(family)).ok());
    std::vector<rocksdb::LiveFileMetaData> files;
    database->db().GetLiveFilesMetaData(&files);
    for (const auto& file : files) {
      if (file.column_family_name == name) table_ = file.db_path + file.name;
    }
    ASSERT_FALSE(table_.empty());
  }
  // Damages the table in one place: its checksum tells.
  void spoil(std::streamoff at) {
    std::fstream table(table_, std::ios::in | std::ios::out | std::ios::binary);
    spoilt_at_ = at;
    table.seekg(at);
    table.read(before_, sizeof before_);
    table.seekp(at);
    table.write("rotten!!", sizeof before_);
    ASSERT_TRUE(table.flush());
  }
  void mend() {
    std::fstream table(table_, std::ios::in | std::ios::out | std::ios::binary);
    table.seekp(spoilt_at_);
    table.write(before_, sizeof before_);
    ASSERT_TRUE(table.flush());
  }
  std::streamoff table_bytes() const {
    return std::ifstream(table_, std::ios::ate | std::ios::binary).tellg();
  }
  std::string log() {
    const std::lock_guard lock(mutex_);
    return log_;
  }

  Duration reread_after_{};

 private:
  RocksOptions options() {
    RocksOptions made = small_options(dir_.path());
    made.reread_after = reread_after_;
    made.log = [this](LogLevel level, std::string_view words) {
      const std::lock_guard lock(mutex_);
      if (level >= LogLevel::kWarning) log_ += std::string(words) + "\n";
    };
    return made;
  }

  TemporaryDirectory dir_;
  std::string table_;
  std::streamoff spoilt_at_ = 0;
  char before_[8] = {};
  std::mutex mutex_;
  std::string log_;
};

// ---- while a message is settled -----------------------------------------------------------------

TEST_F(ReadErrors, HandBackTheSettleThatNeedsTheRecordAndNoOther) {
  commit_one(*open(), make_accept(kId, {{5, 0}}));
  flush(Family::kRcpt, "rcpt");
  const auto store = open();
  commit_one(*store, make_accept(kLater, {{5, 0}}));
  spoil(20);
  Settle settle = make_settle(5, kId, {bounced(0, 0)});
  settle.dsn = make_accept(id_at(3'000'000), {{8, 0}}, 200, 0);
  std::vector<Request> batch{settle, make_settle(5, kLater, {delivered(0)})};
  std::vector<StoreEvent> events;
  EXPECT_TRUE(store->commit(batch, events)) << "the disk takes what it is given";
  const auto not_settled = only<NotSettled>(events);
  ASSERT_THAT(not_settled, SizeIs(1));
  EXPECT_EQ(not_settled[0].request.id, kId);
  EXPECT_TRUE(not_settled[0].request.dsn) << "handed back whole";
  EXPECT_THAT(not_settled[0].words, HasSubstr("reading recipient 0 of message"));
  EXPECT_THAT(only<Superseded>(events), IsEmpty());
  ASSERT_THAT(only<Settled>(events), SizeIs(1));
  EXPECT_EQ(only<Settled>(events)[0].id, kLater);

  mend();
  EXPECT_THAT(only<Settled>(commit_one(*store, not_settled[0].request)), SizeIs(1));
  ASSERT_THAT(list_all(*store), SizeIs(1));
  EXPECT_EQ(list_all(*store)[0].id, id_at(3'000'000)) << "the bounce";
}

TEST_F(ReadErrors, LeaveNothingHalfSettled) {
  {
    const auto store = open();
    commit_one(*store, make_accept(kId, {{5, 0}, {5, 1}}));
  }
  flush(Family::kRcpt, "rcpt");
  commit_one(*open(), make_settle(5, kId, {deferred(0, 0)}));  // is in memory from now on
  const auto store = open();
  spoil(20);
  const Settle settle = make_settle(5, kId, {delivered(0, 1), delivered(1)});
  EXPECT_THAT(only<NotSettled>(commit_one(*store, settle)), SizeIs(1));
  mend();
  EXPECT_THAT(list_all(*store), SizeIs(2));
  const auto settled = only<Settled>(commit_one(*store, settle));
  ASSERT_THAT(settled, SizeIs(1));
  EXPECT_THAT(settled[0].applied, SizeIs(2));
}

// ---- while a message is loaded ------------------------------------------------------------------

TEST_F(ReadErrors, SetNothingAsideThatMayBeReadAnotherTime) {
  commit_one(*open(), make_accept(kId, {{5, 0}}));
  flush(Family::kMsg, "msg");
  const auto store = open();
  spoil(20);
  const auto events = commit_one(*store, Load{1, 5, kId, {0}, 1000});
  ASSERT_THAT(only<NotLoaded>(events), SizeIs(1));
  EXPECT_EQ(only<NotLoaded>(events)[0].error.code, ErrorCode::kIo);
  mend();
  EXPECT_THAT(only<Loaded>(commit_one(*store, Load{1, 5, kId, {0}, 1000})), SizeIs(1));
}

// ---- while shards are gained --------------------------------------------------------------------

TEST_F(ReadErrors, ArePassedByTheScanWhenTheyPass) {
  commit_one(*open(), make_accept(kId, {{5, 0}, {6, 1}}));
  flush(Family::kRcpt, "rcpt");
  const auto store = open();
  spoil(20);
  std::vector<StoreEvent> slice;
  EXPECT_TRUE(store->gain(100, slice));
  EXPECT_THAT(only<Entry>(slice), IsEmpty());
  EXPECT_THAT(only<GainedAll>(slice), IsEmpty());
  EXPECT_THAT(log(), HasSubstr("shard 0 of the queue cannot be read on"));
  mend();
  EXPECT_THAT(only<Entry>(gain_all(*store)), SizeIs(2));
  EXPECT_EQ(store->stats().corrupt, 0U);
  commit(*store, {make_settle(5, kId, {delivered(0)}), make_settle(6, kId, {delivered(1)})});
  EXPECT_FALSE(store->envelope(kId)) << "all were counted";
}

TEST_F(ReadErrors, AreNotAskedForAgainAtOnce) {
  reread_after_ = std::chrono::hours(1);
  commit_one(*open(), make_accept(kId, {{5, 0}}));
  flush(Family::kRcpt, "rcpt");
  const auto store = open();
  spoil(20);
  std::vector<StoreEvent> events;
  EXPECT_TRUE(store->gain(100, events));
  mend();
  EXPECT_TRUE(store->gain(100, events));
  EXPECT_THAT(only<Entry>(events), IsEmpty());
}

TEST_F(ReadErrors, HideNoMoreThanWhatIsDamaged) {
  constexpr std::size_t kMessages = 2'000;
  {
    const auto store = open();
    std::vector<Request> batch;
    for (std::size_t i = 0; i < kMessages; ++i) {
      batch.push_back(make_accept(id_at(1000 + 7 * i), {{5, 0}}, 10));
    }
    commit_one(*store, make_accept(kLater, {{5, 0}, {700, 1}}));
    commit(*store, std::move(batch));
  }
  flush(Family::kRcpt, "rcpt");
  {
    const auto store = open();
    spoil(table_bytes() / 3);
    const auto events = gain_all(*store, 100);
    EXPECT_THAT(only<GainedAll>(events), SizeIs(kShards));
    std::set<MessageId> ids;
    for (const Entry& entry : only<Entry>(events)) ids.insert(entry.id);
    EXPECT_LT(ids.size(), kMessages + 1);
    EXPECT_GT(ids.size(), kMessages - 100) << "one block of the table";
    EXPECT_TRUE(ids.contains(kLater)) << "the end of the shard";
    EXPECT_EQ(store->stats().corrupt, 1U);
    EXPECT_THAT(log(), HasSubstr("left out until the next start"));
  }
  mend();
  EXPECT_THAT(only<Entry>(gain_all(*open(), 100)), SizeIs(kMessages + 2));
}

}  // namespace
}  // namespace posthaste::queue
