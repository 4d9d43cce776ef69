// Room that is held for the worst day.
#include "queue/rocks/ballast.h"

#include <gtest/gtest.h>

#include "tests/unit/queue/fault_file_system.h"

namespace posthaste::queue {
namespace {

constexpr std::uint64_t kBallastBytes = 1 << 20;

class BallastOnADisk : public ::testing::Test {
 protected:
  BallastOnADisk() {
    options_.dir = "/queue";
    options_.ballast_bytes = kBallastBytes;
    options_.min_free_space = 5 * kBallastBytes;
    options_.log = [this](LogLevel, std::string_view words) { log_ += words; };
    disk_->CreateDir("/queue", {}, nullptr).PermitUncheckedError();
  }

  std::shared_ptr<FaultFileSystem> disk_ = std::make_shared<FaultFileSystem>(1);
  std::unique_ptr<rocksdb::Env> env_ = make_fault_env(disk_);
  RocksOptions options_;
  std::string log_;
};

TEST_F(BallastOnADisk, IsTakenInWhenThereIsRoomEnough) {
  Ballast ballast(*env_, options_);
  ballast.take_in(7 * kBallastBytes - 1);
  EXPECT_FALSE(ballast.there());
  EXPECT_EQ(disk_->used(), 0U);
  ballast.take_in(7 * kBallastBytes);
  EXPECT_TRUE(ballast.there());
  EXPECT_EQ(disk_->used(), kBallastBytes);
}

TEST_F(BallastOnADisk, IsThrownOffOnceAndTakenInAgain) {
  Ballast ballast(*env_, options_);
  ballast.take_in(100 * kBallastBytes);
  EXPECT_TRUE(ballast.throw_off());
  EXPECT_EQ(disk_->used(), 0U);
  EXPECT_NE(log_.find("its ballast of 1 MiB was thrown off"), std::string::npos) << log_;
  EXPECT_FALSE(ballast.throw_off());
  ballast.take_in(100 * kBallastBytes);
  EXPECT_EQ(disk_->used(), kBallastBytes);
}

TEST_F(BallastOnADisk, StaysFromRunToRun) {
  Ballast(*env_, options_).take_in(100 * kBallastBytes);
  Ballast ballast(*env_, options_);
  EXPECT_TRUE(ballast.there());
  EXPECT_TRUE(ballast.throw_off());
}

TEST_F(BallastOnADisk, LeavesNothingHalfMadeOnADiskThatIsFuller) {
  disk_->set_faults({.capacity = kBallastBytes / 2});
  Ballast ballast(*env_, options_);
  ballast.take_in(100 * kBallastBytes);
  EXPECT_FALSE(ballast.there());
  EXPECT_FALSE(env_->FileExists("/queue/ballast.new").ok());
  disk_->set_faults({});
  ballast.take_in(100 * kBallastBytes);
  EXPECT_TRUE(ballast.there()) << "tried again when there is room";
}

TEST_F(BallastOnADisk, IsNoneWhereNoneIsWanted) {
  options_.ballast_bytes = 0;
  Ballast ballast(*env_, options_);
  ballast.take_in(100 * kBallastBytes);
  EXPECT_FALSE(ballast.there());
  EXPECT_FALSE(ballast.throw_off());
}

}  // namespace
}  // namespace posthaste::queue
