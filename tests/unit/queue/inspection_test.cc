// What is said of a queue that is looked through, and of copies of it.
#include "queue/rocks/inspection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "queue/record.h"
#include "queue/rocks/database.h"
#include "queue/rocks/keys.h"
#include "queue/rocks/startup.h"
#include "tests/unit/queue/store_house.h"

namespace posthaste::queue {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const MessageId kId = id_at(1000);
const MessageId kPair = id_at(2000);

class Inspection : public ::testing::Test {
 protected:
  std::unique_ptr<RocksStore> open() {
    auto store = RocksStore::open(small_options(dir()));
    EXPECT_TRUE(store) << store.error().words;
    return std::move(*store);
  }
  // A lone message, and one of two recipients of which one waits and one is held; a note.
  void fill(RocksStore& store) {
    Accept lone = make_accept(kId, {{5, 0}}, 3 * mail::kChunkBytesMax - 7);
    lone.history = event_of(mail::HistoryKind::kAccepted, "from here");
    Fate held = deferred(1, 0);
    held.progress.held = true;
    commit(store, {std::move(lone), make_accept(kPair, {{5, 0}, {700, 1}}),
                   Keep{NoteKind::kTlsHost, "mx", "v", kNever}});
    commit(store, {make_settle(5, kPair, {deferred(0, 0)}), make_settle(700, kPair, {held})});
  }
  void change(const std::function<void(Database&)>& how) {
    const auto database = std::move(*Database::open(small_options(dir())));
    how(*database);
  }
  void put(Family family, std::string_view key, std::string_view value) {
    change([&](Database& to) {
      ASSERT_TRUE(to.db().Put({}, to.family(family), slice(key), slice(value)).ok());
    });
  }
  void erase(Family family, std::string_view key) {
    change([&](Database& from) {
      ASSERT_TRUE(from.db().Delete({}, from.family(family), slice(key)).ok());
    });
  }
  QueueReport inspect(const std::string& directory) {
    auto report = inspect_queue(directory, {});
    EXPECT_TRUE(report) << report.error().words;
    return report ? *report : QueueReport{};
  }
  QueueReport inspect() { return inspect(dir()); }
  std::vector<std::string> problems() {
    std::vector<std::string> lines;
    for (const Problem& problem : inspect().examples) {
      lines.push_back(std::string(name(problem.kind)) + " " + problem.key);
    }
    return lines;
  }
  const std::string& dir() const { return dir_.path(); }

  TemporaryDirectory dir_;
};

TEST_F(Inspection, CountsWhatIsThere) {
  fill(*open());
  const QueueReport report = inspect();
  EXPECT_TRUE(report.sound()) << report.examples[0].words;
  EXPECT_EQ(report.schema, kSchema);
  EXPECT_EQ(report.epoch, 1U);
  EXPECT_EQ(report.messages, 2U);
  EXPECT_EQ(report.waiting, 2U);
  EXPECT_EQ(report.held, 1U);
  EXPECT_EQ(report.bodies_bytes, 3 * mail::kChunkBytesMax - 7 + 100);
  EXPECT_EQ(report.history_events, 1U);
  EXPECT_EQ(report.notes, 1U);
  EXPECT_GT(report.files_bytes, report.bodies_bytes);
}

TEST_F(Inspection, LooksOnBesideAStoreThatWritesAndLeavesItAlone) {
  const auto store = open();
  fill(*store);
  const QueueReport before = inspect();
  EXPECT_TRUE(before.sound());
  EXPECT_EQ(before.messages, 2U);
  commit_one(*store, make_settle(5, kId, {delivered(0)}));
  const QueueReport after = inspect();
  EXPECT_TRUE(after.sound());
  EXPECT_EQ(after.messages, 1U);
  EXPECT_EQ(after.epoch, 1U) << "nobody opened it but the store";
}

TEST_F(Inspection, TellsHowFarItIs) {
  fill(*open());
  std::vector<std::string> read;
  ASSERT_TRUE(inspect_queue(dir(), [&](std::string_view what, std::uint64_t count) {
    read.push_back(std::string(what) + " " + std::to_string(count));
  }));
  EXPECT_THAT(read, ElementsAre("the queue's own 3", "recipients 3", "envelopes 2", "bodies 4",
                                "history 1", "notes 1"));
}

TEST_F(Inspection, KnowsMailThatIsStillArriving) {
  const auto store = open();
  Accept streamed = make_accept(kId, {{5, 0}}, 2 * mail::kChunkBytesMax);
  commit_one(*store, take_appends(streamed)[0]);
  const QueueReport report = inspect();
  EXPECT_TRUE(report.sound());
  EXPECT_EQ(report.arriving, 1U);
}

TEST_F(Inspection, NamesARecordThatIsCorrupt) {
  fill(*open());
  put(Family::kRcpt, recipient_key({5, kId, 0}).view(), "\x02nonsense");
  put(Family::kTls, "hspoilt", "\x09");
  put(Family::kRcpt, "short", "key");
  const QueueReport report = inspect();
  ASSERT_THAT(report.examples, SizeIs(3));
  EXPECT_EQ(report.problems[static_cast<std::size_t>(ProblemKind::kCorrupt)], 3U);
  EXPECT_EQ(report.examples[0].key,
            "rcpt/0005"
            "00000000fa000000"
            "0000");
  EXPECT_THAT(report.examples[0].words, HasSubstr("does not follow its format"));
  EXPECT_EQ(report.examples[1].key, "rcpt/73686f7274");
  EXPECT_EQ(report.examples[2].key, "tls/6873706f696c74");
  EXPECT_THAT(report.examples[2].words, HasSubstr("unknown version 9"));
}

TEST_F(Inspection, NamesMailWithoutAnEnvelope) {
  fill(*open());
  erase(Family::kMsg, message_key(kPair).view());
  EXPECT_THAT(problems(), ElementsAre("no_envelope " + render_id(kPair)));
}

TEST_F(Inspection, TakesACorruptEnvelopeForOne) {
  fill(*open());
  put(Family::kMsg, message_key(kPair).view(), "\x02");
  EXPECT_THAT(problems(), ElementsAre("corrupt msg/00000001f4000000"));
}

TEST_F(Inspection, NamesMailWithoutItsBody) {
  fill(*open());
  erase(Family::kBody, body_key(kId, 1).view());
  erase(Family::kBody, body_key(kPair, 0).view());
  EXPECT_THAT(problems(), ElementsAre("no_body " + render_id(kId), "no_body " + render_id(kPair)));
}

TEST_F(Inspection, NamesWhatNobodyRefersTo) {
  fill(*open());
  erase(Family::kRcpt, recipient_key({5, kId, 0}).view());
  put(Family::kBody, body_key(id_at(1500), 0).view(), "stray");
  put(Family::kBody, body_key(id_at(1500), 1).view(), "once is enough");
  EXPECT_THAT(problems(), ElementsAre("stray_envelope " + render_id(kId),
                                      "stray_body " + render_id(id_at(1500))));
}

TEST_F(Inspection, NamesCountsThatDisagree) {
  fill(*open());
  put(Family::kBody, body_key(kPair, 0).view(), "shorter");
  put(Family::kBody, body_key(kPair, 1).view(), "one too many");
  std::string record;
  encode_recipient(recipient_to({5, 0}), {1, 7}, record);
  put(Family::kRcpt, recipient_key({5, kId, 0}).view(), record);
  put(Family::kDefault, kLastIdKey, message_key(kId).view());
  const std::string pair = "counts_disagree " + render_id(kPair);
  EXPECT_THAT(problems(), ElementsAre("counts_disagree " + render_id(kId), pair, pair, pair));
}

TEST_F(Inspection, CountsWhatWasSetAsideAsKnown) {
  fill(*open());
  put(Family::kRcpt, recipient_key({5, kId, 0}).view(), "\x02nonsense");
  gain_all(*open());
  const QueueReport report = inspect();
  EXPECT_TRUE(report.sound());
  EXPECT_EQ(report.set_aside, 1U);
}

TEST_F(Inspection, GoesOnBehindADamagedPlace) {
  constexpr std::uint64_t kMessages = 3000;
  {
    const auto store = open();
    for (std::uint64_t i = 0; i < kMessages; ++i) {
      commit_one(*store, make_accept(id_at(1000 + 7 * i), {{5, 0}}, 10));
    }
  }
  std::string table;
  change([&](Database& database) {
    ASSERT_TRUE(database.db().Flush({}, database.family(Family::kRcpt)).ok());
    std::vector<rocksdb::LiveFileMetaData> files;
    database.db().GetLiveFilesMetaData(&files);
    for (const auto& file : files) {
      if (file.column_family_name == "rcpt") table = file.db_path + file.name;
    }
  });
  {
    std::fstream bytes(table, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(static_cast<std::streamoff>(std::filesystem::file_size(table) / 3));
    bytes.write("rotten!!", 8);
  }
  const QueueReport report = inspect();
  ASSERT_THAT(report.examples, SizeIs(1)) << "no guesses about what cannot be read";
  EXPECT_EQ(report.examples[0].kind, ProblemKind::kUnreadable);
  EXPECT_THAT(report.examples[0].words, HasSubstr("cannot be read from here to 0005"));
  EXPECT_LT(report.waiting, kMessages);
  EXPECT_GT(report.waiting, kMessages / 2);
  EXPECT_EQ(report.messages, kMessages);
}

TEST_F(Inspection, RefusesWhatIsNoQueueAndWhatIsNewer) {
  EXPECT_EQ(inspect_queue(dir(), {}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(inspect_queue(dir() + "/absent", {}).error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(std::filesystem::is_empty(dir()));
  open().reset();
  put(Family::kDefault, kSchemaKey, "3");
  const auto refused = inspect_queue(dir(), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(refused.error().words, HasSubstr("format 3"));
}

// ---- copies -------------------------------------------------------------------------------------

class Backup : public Inspection {
 protected:
  std::string copy() const { return copies_.path() + "/copy"; }
  TemporaryDirectory copies_;
};

TEST_F(Backup, IsAQueueOfItsOwnWhileTheOtherGoesOn) {
  const auto store = open();
  fill(*store);
  ASSERT_TRUE(store->checkpoint(copy())) << store->checkpoint(copy()).error().words;
  commit_one(*store, make_settle(5, kId, {delivered(0)}));
  const QueueReport report = inspect(copy());
  EXPECT_TRUE(report.sound());
  EXPECT_EQ(report.messages, 2U);
  RocksOptions options = small_options(copy());
  const auto again = std::move(*RocksStore::open(options));
  EXPECT_THAT(only<Entry>(gain_all(*again)), SizeIs(3));
  commit_one(*again, make_settle(5, kPair, {delivered(0)}));
  EXPECT_THAT(list_all(*again), SizeIs(2));
  EXPECT_THAT(list_all(*store), SizeIs(2));
  EXPECT_TRUE(store->body_chunk(kPair, 0));
}

TEST_F(Backup, HoldsBodiesThatWereFlushed) {
  const auto store = open();
  for (std::uint64_t i = 0; i < 300; ++i) {  // of memtables of 256 KiB
    commit_one(*store, make_accept(id_at(1000 + i), {{5, 0}}, 20'000));
  }
  ASSERT_TRUE(store->checkpoint(copy()));
  const QueueReport report = inspect(copy());
  EXPECT_TRUE(report.sound());
  EXPECT_EQ(report.messages, 300U);
  EXPECT_EQ(report.bodies_bytes, 300U * 20'000);
}

TEST_F(Backup, SaysWhatIsWrongWithTheDirectory) {
  const auto store = open();
  EXPECT_THAT(store->checkpoint(copies_.path()).error().words, HasSubstr("is there already"));
  EXPECT_THAT(store->checkpoint("copy").error().words, HasSubstr("absolute path"));
  EXPECT_THAT(store->checkpoint("").error().words, HasSubstr("absolute path"));
  const auto nowhere = store->checkpoint(copies_.path() + "/absent/copy");
  EXPECT_EQ(nowhere.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(nowhere.error().words, HasSubstr(copies_.path() + "/absent/"));
  const auto forbidden = store->checkpoint("/proc/copy");
  ASSERT_FALSE(forbidden);
  EXPECT_THAT(forbidden.error().words, HasSubstr("copying the queue to /proc/copy"));
}

TEST_F(Backup, OfTheModelIsNone) {
  EXPECT_EQ(MemoryStore().checkpoint(copy()).error().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace posthaste::queue
