// A disk that runs full: new mail is refused, nothing that was promised is lost, and it goes on
// when there is room again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>

#include "tests/unit/queue/store_house.h"

namespace posthaste::queue {
namespace {

using ::testing::SizeIs;

constexpr std::size_t kDiskBytes = std::size_t{64} << 20;
constexpr std::size_t kBallastBytes = std::size_t{16} << 20;
constexpr std::size_t kBodyBytes = std::size_t{60} << 10;

// A file system of its own in memory. ok() is false where that is not permitted.
class SmallDisk {
 public:
  SmallDisk() {
    const std::string size = "size=" + std::to_string(kDiskBytes);
    mounted_ = ::mount("tmpfs", at_.path().c_str(), "tmpfs", 0, size.c_str()) == 0;
    if (!mounted_) why_ = std::strerror(errno);
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(at_.path().c_str(), MNT_DETACH);
  }
  bool ok() const { return mounted_; }
  const std::string& why() const { return why_; }
  const std::string& path() const { return at_.path(); }
  std::string ballast() const { return path() + "/ballast"; }
  void fill(std::size_t bytes) const {
    std::ofstream(ballast(), std::ios::binary) << std::string(bytes, 'b');
  }
  std::uint64_t free_space() const {
    struct statvfs facts {};
    return ::statvfs(path().c_str(), &facts) == 0 ? facts.f_bavail * facts.f_frsize : 0;
  }

 private:
  TemporaryDirectory at_;
  bool mounted_ = false;
  std::string why_;
};

class DiskFull : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!disk_.ok()) GTEST_SKIP() << "a tmpfs cannot be mounted here: " << disk_.why();
    std::filesystem::create_directory(disk_.path() + "/queue");
  }
  void open(std::uint64_t min_free_space, std::uint64_t ballast_bytes = 0) {
    RocksOptions options = small_options(disk_.path() + "/queue");
    options.ballast_bytes = ballast_bytes;
    options.min_free_space = min_free_space;
    options.log = [this](LogLevel, std::string_view words) {
      const std::lock_guard lock(mutex_);
      well_again_ = well_again_ || words == "the queue can be written again";
      said_.notify_all();
    };
    store_.reset();
    auto opened = RocksStore::open(options);
    ASSERT_TRUE(opened) << opened.error().words;
    store_ = std::move(*opened);
  }
  std::vector<StoreEvent> accept() {
    return commit_one(*store_, make_accept(id_at(++millisecond_), {{5, 0}}, kBodyBytes));
  }
  // Accepts until one is refused, and returns that.
  Refused fill_up() {
    for (;;) {
      const auto events = accept();
      for (const auto& accepted : only<Accepted>(events)) promised_.insert(accepted.id);
      const auto refused = only<Refused>(events);
      if (!refused.empty()) return refused[0];
      if (promised_.size() * kBodyBytes > 2 * kDiskBytes) return Refused{};
    }
  }
  std::set<MessageId> listed() {
    std::set<MessageId> ids;
    for (const auto& one : list_all(*store_)) ids.insert(one.id);
    return ids;
  }
  bool wait_until_well() {
    std::unique_lock lock(mutex_);
    return said_.wait_for(lock, std::chrono::seconds(60), [this] { return well_again_; });
  }

  SmallDisk disk_;
  std::unique_ptr<RocksStore> store_;
  std::uint64_t millisecond_ = 1000;
  std::set<MessageId> promised_;

 private:
  std::mutex mutex_;
  std::condition_variable said_;
  bool well_again_ = false;
};

TEST_F(DiskFull, RefusesNewMailBelowTheFloorButTakesFates) {
  open(kDiskBytes / 2);
  const Refused refused = fill_up();
  EXPECT_TRUE(refused.full);
  EXPECT_EQ(refused.id, id_at(millisecond_));
  EXPECT_TRUE(store_->stats().full);
  EXPECT_EQ(store_->stats().failures, 0U) << "the database itself was never refused";
  EXPECT_GT(disk_.free_space(), kDiskBytes / 3);
  EXPECT_EQ(listed(), promised_);

  const MessageId first = *promised_.begin();
  EXPECT_THAT(only<Settled>(commit_one(*store_, make_settle(5, first, {delivered(0)}))), SizeIs(1));
  Accept streamed;
  std::vector<Refused> appended;
  // The database gives back space when it likes, and then there is room again for a moment.
  for (int tries = 0; appended.empty() && tries < 10; ++tries) {
    if (tries > 0) fill_up();
    streamed = make_accept(id_at(++millisecond_), {{5, 0}}, 2 * mail::kChunkBytesMax);
    appended = only<Refused>(commit_one(*store_, take_appends(streamed)[0]));
  }
  ASSERT_THAT(appended, SizeIs(1));
  EXPECT_TRUE(appended[0].full);
  EXPECT_THAT(only<Refused>(commit_one(*store_, std::move(streamed))), SizeIs(1));

  open(kDiskBytes / 100);
  EXPECT_THAT(only<Accepted>(accept()), SizeIs(1));
}

TEST_F(DiskFull, LosesNothingAndGoesOnByItselfWhenThereIsRoomAgain) {
  disk_.fill(kBallastBytes);
  open(0);
  const Refused refused = fill_up();
  ASSERT_TRUE(refused.full) << refused.words;
  EXPECT_TRUE(store_->stats().trouble);
  EXPECT_EQ(listed(), promised_) << "nothing of the refused one is visible";

  const MessageId first = *promised_.begin();
  Settle settle = make_settle(5, first, {delivered(0)});
  const auto not_settled = only<NotSettled>(commit_one(*store_, settle));
  ASSERT_THAT(not_settled, SizeIs(1));
  EXPECT_TRUE(not_settled[0].full);
  EXPECT_THAT(not_settled[0].request.fates, SizeIs(1)) << "handed back whole";
  EXPECT_EQ(listed(), promised_);

  std::filesystem::remove(disk_.ballast());
  ASSERT_TRUE(wait_until_well());
  EXPECT_THAT(only<Settled>(commit_one(*store_, not_settled[0].request)), SizeIs(1));
  promised_.erase(first);
  for (const auto& accepted : only<Accepted>(accept())) promised_.insert(accepted.id);
  EXPECT_FALSE(store_->stats().trouble);
  EXPECT_EQ(listed(), promised_);
  open(0);
  EXPECT_EQ(listed(), promised_);
}

TEST_F(DiskFull, OpensAndStoresFatesInTheRoomOfItsBallast) {
  open(kDiskBytes / 8, kBallastBytes);
  ASSERT_TRUE(std::filesystem::exists(disk_.path() + "/queue/ballast"));
  EXPECT_LT(disk_.free_space(), kDiskBytes - kBallastBytes);
  ASSERT_TRUE(fill_up().full);
  EXPECT_TRUE(std::filesystem::exists(disk_.path() + "/queue/ballast")) << "it is not for new mail";
  store_.reset();
  disk_.fill(disk_.free_space());
  open(kDiskBytes / 8, kBallastBytes);
  EXPECT_FALSE(std::filesystem::exists(disk_.path() + "/queue/ballast"));
  const MessageId first = *promised_.begin();
  EXPECT_THAT(only<Settled>(commit_one(*store_, make_settle(5, first, {delivered(0)}))), SizeIs(1));
  promised_.erase(first);
  EXPECT_EQ(listed(), promised_);
}

TEST_F(DiskFull, HasEverythingAfterAKillWhileItIsFull) {
  disk_.fill(kBallastBytes);
  open(0);
  ASSERT_TRUE(fill_up().full);
  TemporaryDirectory copy;
  copy_directory(disk_.path() + "/queue", copy.path());
  auto again = RocksStore::open(small_options(copy.path()));
  ASSERT_TRUE(again) << again.error().words;
  std::set<MessageId> found;
  for (const auto& entry : only<Entry>(gain_all(**again))) found.insert(entry.id);
  EXPECT_EQ(found, promised_);
}

}  // namespace
}  // namespace posthaste::queue
