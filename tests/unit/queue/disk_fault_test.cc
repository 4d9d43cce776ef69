// The promise of docs/durability.md under a disk that fails, runs full and loses its power in the
// midst of any change: seed by seed, requests, faults, a power cut, and what is found afterwards.
//
// A seed decides what is asked and when the disk fails, but not how RocksDB's threads take turns:
// POSTHASTE_FAULT_SEED=15 begins with one, and may need to be repeated. POSTHASTE_FAULT_SEEDS: as
// many.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "queue/rocks/inspection.h"
#include "tests/unit/queue/fault_file_system.h"
#include "tests/unit/queue/promise_ledger.h"

namespace posthaste::queue {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

#ifdef __SANITIZE_THREAD__
constexpr std::uint64_t kSeeds = 100;  // each is fifteen times as long
#else
constexpr std::uint64_t kSeeds = 400;  // some 20 s of CPU
#endif
constexpr int kLivesMax = 4;
constexpr std::uint64_t kManyChanges = 1'000'000'000;
constexpr int kStepsMax = 40;

std::uint64_t seeds() {
  const char* wanted = std::getenv("POSTHASTE_FAULT_SEEDS");
  return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : kSeeds;
}

std::uint64_t first_seed() {
  const char* wanted = std::getenv("POSTHASTE_FAULT_SEED");
  return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 1;
}

// One queue and its disk through some power cuts.
class Rig {
 public:
  explicit Rig(std::uint64_t seed) : rng_(seed), disk_(make_disk(seed)), ledger_(seed + 1) {}

  // Broken promises; none: all are kept.
  std::vector<std::string> run(const DiskFaults& faults) {
    for (auto lives = 1 + rng_.below(kLivesMax); lives > 0; --lives) {
      if (auto broken = live(faults); !broken.empty()) return broken;
      if (auto broken = check_after_cut(); !broken.empty()) return broken;
    }
    return drain();
  }
  // The disk is full now and then.
  Rig& fills() {
    fills_ = true;
    return *this;
  }
  std::uint64_t answered() const { return ledger_.answered(); }
  std::uint64_t refused() const { return refused_; }

 private:
  using Broken = std::vector<std::string>;

  static std::shared_ptr<FaultFileSystem> make_disk(std::uint64_t seed) {
    auto disk = std::make_shared<FaultFileSystem>(seed + 2);
    disk->CreateDir("/queue", {}, nullptr).PermitUncheckedError();
    return disk;
  }
  RocksOptions options() const {
    RocksOptions made = small_options("/queue");
    made.sync = true;
    made.body_memtable_bytes = 64 * 1024;
    made.record_memtable_bytes = 64 * 1024;
    made.wal_bytes_max = 256 * 1024;
    made.env = env_.get();
    return made;
  }

  // Somebody else fills the disk, and makes room again.
  void fill_or_empty(DiskFaults faults) {
    if (!fills_ || !rng_.chance(0.2)) return;
    if (rng_.chance(0.6)) faults.capacity = disk_->used() + rng_.below(100'000);
    disk_->set_faults(faults);
  }
  // Until the power goes.
  Broken live(const DiskFaults& faults) {
    disk_->cut_after(rng_.below(rng_.chance(0.2) ? 60 : 500));
    disk_->set_faults(faults);
    auto opened = RocksStore::open(options());
    Broken broken;
    for (int step = 0; opened && step < kStepsMax && !disk_->is_cut(); ++step) {
      fill_or_empty(faults);
      std::vector<StoreEvent> events;
      std::vector<Request> batch = ledger_.next_batch();
      if (!(*opened)->commit(batch, events)) ++refused_;
      if (rng_.chance(0.5)) (*opened)->gain(3, events);
      ledger_.on_answers(events);
      if (rng_.chance(0.05)) broken = ledger_.broken_now(**opened);
      if (!broken.empty()) break;
    }
    disk_->cut();
    return broken;
  }
  std::unique_ptr<RocksStore> power_up(Broken& broken) {
    disk_->power_up();
    auto opened = RocksStore::open(options());
    if (!opened) broken.push_back("cannot be opened: " + opened.error().words);
    return opened ? std::move(*opened) : nullptr;
  }
  Broken check_after_cut() {
    Broken broken;
    const auto store = power_up(broken);
    if (!store) return broken;
    broken = ledger_.broken_after_cut(*store, only<Entry>(gain_all(*store, 100)));
    disk_->cut();  // the process is killed; the power stays for now
    return broken;
  }
  // All is delivered, and nothing is left.
  Broken drain() {
    Broken broken;
    {
      const auto store = power_up(broken);
      if (!store) return broken;
      gain_all(*store, 100);
      std::vector<StoreEvent> events;
      std::vector<Request> batch = ledger_.end_of_all();
      if (!store->commit(batch, events)) broken.push_back("a disk without faults refused");
      if (!list_all(*store).empty()) broken.push_back("somebody still waits");
    }
    const auto report = inspect_queue(options(), {});
    if (!report) return {report.error().words};
    for (const Problem& problem : report->examples) {
      broken.push_back(problem.key + ": " + problem.words);
    }
    if (report->messages > 0) broken.push_back("messages without a recipient are left");
    return broken;
  }

  Rng rng_;
  std::shared_ptr<FaultFileSystem> disk_;
  std::unique_ptr<rocksdb::Env> env_ = make_fault_env(disk_);
  PromiseLedger ledger_;
  std::uint64_t refused_ = 0;
  bool fills_ = false;
};

TEST(DiskFaults, LoseNothingInAPowerCutAtAnyChange) {
  std::uint64_t answered = 0;
  for (std::uint64_t seed = first_seed(); seed <= seeds() / 2; ++seed) {
    Rig rig(seed);
    ASSERT_THAT(rig.run({}), IsEmpty()) << "seed " << seed;
    answered += rig.answered();
  }
  EXPECT_GT(answered, seeds());
}

// What was not synced before a kill is read after it, and what is synced then stands behind it in
// the log.
TEST(DiskFaults, LoseNothingInAPowerCutSoonAfterAKill) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto disk = std::make_shared<FaultFileSystem>(seed);
    disk->CreateDir("/queue", {}, nullptr).PermitUncheckedError();
    const auto env = make_fault_env(disk);
    RocksOptions options = small_options("/queue");
    options.sync = true;
    options.env = env.get();
    {
      const auto store = std::move(*RocksStore::open(options));
      commit_one(*store, Keep{NoteKind::kTlsHost, "mx", "note", kNever});
      disk->cut();  // so that closing it syncs nothing
    }
    disk->cut_after(kManyChanges);
    {
      const auto store = std::move(*RocksStore::open(options));
      const auto events = commit_one(*store, make_accept(id_at(seed), {{5, 0}}));
      ASSERT_EQ(only<Accepted>(events).size(), 1U);
      disk->cut();
    }
    disk->power_up();
    const auto again = RocksStore::open(options);
    ASSERT_TRUE(again) << again.error().words;
    EXPECT_EQ(list_all(**again).size(), 1U) << "seed " << seed;
  }
}

TEST(DiskFaults, AreRefusedAndLoseNothing) {
  std::uint64_t refused = 0;
  for (std::uint64_t seed = first_seed(); seed <= seeds() / 2; ++seed) {
    Rng rng(seed);
    DiskFaults faults;
    double* chances[] = {&faults.append, &faults.sync, &faults.create, &faults.rename};
    *chances[rng.below(4)] = 0.003 * static_cast<double>(1 + rng.below(20));
    Rig rig(seed);
    ASSERT_THAT(rig.run(faults), IsEmpty()) << "seed " << seed;
    refused += rig.refused();
  }
  EXPECT_GT(refused, 0U);
}

TEST(DiskFaults, OfADiskThatRunsFullLoseNothing) {
  std::uint64_t refused = 0;
  for (std::uint64_t seed = first_seed(); seed <= seeds() / 2; ++seed) {
    Rig rig(seed);
    ASSERT_THAT(rig.fills().run({}), IsEmpty()) << "seed " << seed;
    refused += rig.refused();
  }
  EXPECT_GT(refused, seeds());
}

// That the check sees what it is for.
TEST(DiskFaults, ThatOnlyANewStartMendsAreTold) {
  const auto disk = std::make_shared<FaultFileSystem>(1);
  disk->CreateDir("/queue", {}, nullptr).PermitUncheckedError();
  const auto env = make_fault_env(disk);
  RocksOptions options = small_options("/queue");
  options.sync = true;
  options.env = env.get();
  {
    const auto store = std::move(*RocksStore::open(options));
    commit_one(*store, make_accept(id_at(1000), {{5, 0}}));
    EXPECT_FALSE(store->stuck());
    disk->set_faults(DiskFaults{.sync = 1});
    for (std::uint64_t i = 0; i < 2; ++i)
      commit_one(*store, make_accept(id_at(2000 + i), {{5, 0}}));
    disk->set_faults(DiskFaults{});
    EXPECT_THAT(only<Refused>(commit_one(*store, make_accept(id_at(3000), {{5, 0}}))), SizeIs(1));
    EXPECT_TRUE(store->stuck());
    EXPECT_THAT(list_all(*store), SizeIs(1)) << "reading goes on";
  }
  const auto store = std::move(*RocksStore::open(options));
  EXPECT_FALSE(store->stuck());
  EXPECT_THAT(only<Accepted>(commit_one(*store, make_accept(id_at(4000), {{5, 0}}))), SizeIs(1));
}

// A disk that somebody fills to its last byte right after a look at it.
class SuddenlyFullDisk : public ::testing::Test {
 protected:
  SuddenlyFullDisk() { disk_->CreateDir("/queue", {}, nullptr).PermitUncheckedError(); }

  void open(std::uint64_t ballast_bytes, Duration stuck_after = std::chrono::hours(1)) {
    RocksOptions options = small_options("/queue");
    options.stuck_after = stuck_after;
    options.sync = true;
    options.min_free_space = kFloor;
    options.ballast_bytes = ballast_bytes;
    options.env = env_.get();
    store_.reset();
    auto opened = RocksStore::open(options);
    ASSERT_TRUE(opened) << opened.error().words;
    store_ = std::move(*opened);
  }
  // The store is told first that there is not much room: it writes out all that RocksDB has in
  // memory, and goes over to a new log.
  void fill_up() {
    disk_->set_faults(DiskFaults{.free_told = kFloor - 1});
    const std::size_t before = tables();
    std::vector<StoreEvent> none;
    while (tables() == before || logs() > 1) store_->commit({}, none);
    disk_->set_faults(DiskFaults{.capacity = disk_->used() + 10, .free_told = kFloor - 1});
  }
  void empty() { disk_->set_faults(DiskFaults{}); }
  std::size_t logs() const { return count(".log"); }
  std::size_t tables() const { return count(".sst"); }
  std::size_t count(std::string_view ending) const {
    std::vector<std::string> names;
    disk_->GetChildren("/queue", {}, &names, nullptr).PermitUncheckedError();
    return static_cast<std::size_t>(std::count_if(
        names.begin(), names.end(), [&](const auto& name) { return name.ends_with(ending); }));
  }
  std::vector<StoreEvent> settle(MessageId id) {
    return commit_one(*store_, make_settle(5, id, {delivered(0)}));
  }

  static constexpr std::uint64_t kFloor = std::uint64_t{64} << 20;
  std::shared_ptr<FaultFileSystem> disk_ = std::make_shared<FaultFileSystem>(1);
  std::unique_ptr<rocksdb::Env> env_ = make_fault_env(disk_);
  std::unique_ptr<RocksStore> store_;
};

TEST_F(SuddenlyFullDisk, TakesAFateInTheRoomOfTheBallast) {
  open(std::uint64_t{16} << 20);
  for (std::uint64_t i = 1; i <= 3; ++i) commit_one(*store_, make_accept(id_at(i), {{5, 0}}));
  fill_up();
  EXPECT_THAT(only<Settled>(settle(id_at(1))), SizeIs(1));
  EXPECT_THAT(only<Settled>(settle(id_at(2))), SizeIs(1));
  open(std::uint64_t{16} << 20);
  EXPECT_THAT(list_all(*store_), SizeIs(1));
}

TEST_F(SuddenlyFullDisk, NeverWritesOnALogThatFailedOnce) {
  open(0);
  for (std::uint64_t i = 1; i <= 3; ++i) commit_one(*store_, make_accept(id_at(i), {{5, 0}}));
  fill_up();
  EXPECT_THAT(only<NotSettled>(settle(id_at(1))), SizeIs(1));
  empty();
  // RocksDB will think that it is well again: it has nothing in memory.
  const auto enough = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!store_->stuck() && std::chrono::steady_clock::now() < enough) {
    EXPECT_THAT(only<NotSettled>(settle(id_at(1))), SizeIs(1));
  }
  EXPECT_TRUE(store_->stuck());
  EXPECT_FALSE(store_->prune_history(id_at(1).time())) << "nor is anything else written on it";
  open(0);
  EXPECT_THAT(list_all(*store_), SizeIs(3));
  EXPECT_THAT(only<Settled>(settle(id_at(1))), SizeIs(1));
}

// It tells of room, and has none: RocksDB tries to go on, again and again.
TEST_F(SuddenlyFullDisk, IsNotWaitedForWhereThereIsRoomToSee) {
  for (const Duration stuck_after : {Duration(std::chrono::hours(1)), Duration(100)}) {
    open(0, stuck_after);
    disk_->set_faults(DiskFaults{.capacity = disk_->used() + 10, .free_told = 2 * kFloor});
    const auto enough = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    for (int i = 0; i < 1000 || stuck_after < std::chrono::seconds(1); ++i) {
      const std::string words(10'000, 'x');
      commit_one(*store_, Keep{NoteKind::kTlsHost, "mx", words, kNever});
      if (store_->stuck() || std::chrono::steady_clock::now() > enough) break;
    }
    EXPECT_EQ(store_->stuck(), stuck_after < std::chrono::seconds(1));
    EXPECT_TRUE(store_->stats().trouble);
    empty();
  }
}

TEST_F(SuddenlyFullDisk, OpensInTheRoomOfTheBallast) {
  open(std::uint64_t{16} << 20);
  commit_one(*store_, make_accept(id_at(1), {{5, 0}}));
  store_.reset();
  disk_->set_faults(DiskFaults{.capacity = disk_->used()});
  open(std::uint64_t{16} << 20);
  EXPECT_THAT(list_all(*store_), SizeIs(1));
  EXPECT_THAT(only<Settled>(settle(id_at(1))), SizeIs(1));
}

TEST(DiskFaults, AreFoundOutWhenSyncsLie) {
  std::uint64_t found = 0;
  DiskFaults lies;
  lies.syncs_lie = true;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    if (!Rig(seed).run(lies).empty()) ++found;
  }
  EXPECT_GT(found, 15U);
}

}  // namespace
}  // namespace posthaste::queue
