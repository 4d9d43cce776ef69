// The write-ahead log on a disk that runs full or fails.
#include "queue/rocks/log_files.h"

#include <gtest/gtest.h>

#include "tests/unit/queue/fault_file_system.h"

namespace posthaste::queue {
namespace {

constexpr std::uint64_t kBallastBytes = 1 << 20;

class LogOnADisk : public ::testing::Test {
 protected:
  LogOnADisk() {
    for (const char* dir : {"/queue", "/backup"}) {
      disk_->CreateDir(dir, {}, nullptr).PermitUncheckedError();
    }
  }

  static RocksOptions options() {
    RocksOptions made;
    made.dir = "/queue";
    made.ballast_bytes = kBallastBytes;
    made.min_free_space = 0;
    return made;
  }
  std::unique_ptr<rocksdb::FSWritableFile> create(const std::string& path) {
    std::unique_ptr<rocksdb::FSWritableFile> file;
    EXPECT_TRUE(files_.NewWritableFile(path, {}, &file, nullptr).ok());
    return file;
  }
  static rocksdb::IOStatus append(rocksdb::FSWritableFile& file, const std::string& bytes) {
    return file.Append(bytes, {}, nullptr);
  }
  std::string content(const std::string& path) {
    std::string bytes;
    EXPECT_TRUE(rocksdb::ReadFileToString(env_.get(), path, &bytes).ok());
    return bytes;
  }
  void fill_up(std::uint64_t leaving) {
    disk_->set_faults(DiskFaults{.capacity = disk_->used() + leaving});
  }

  std::shared_ptr<FaultFileSystem> disk_ = std::make_shared<FaultFileSystem>(1);
  std::unique_ptr<rocksdb::Env> env_ = make_fault_env(disk_);
  Ballast ballast_{*env_, options()};
  LogFiles files_{disk_, "/queue/", ballast_};
};

TEST_F(LogOnADisk, IsWrittenInTheRoomOfTheBallastWithoutAByteTooMuch) {
  ballast_.take_in(100 * kBallastBytes);
  const auto log = create("/queue//000001.log");
  EXPECT_TRUE(append(*log, "first ").ok());
  fill_up(3);
  EXPECT_TRUE(append(*log, "second ").ok());
  EXPECT_FALSE(ballast_.there());
  EXPECT_TRUE(append(*log, "third").ok());
  EXPECT_EQ(content("/queue/000001.log"), "first second third");
  EXPECT_TRUE(files_.newest_failure().ok());
}

TEST_F(LogOnADisk, IsMadeInTheRoomOfTheBallast) {
  ballast_.take_in(100 * kBallastBytes);
  disk_->set_faults(DiskFaults{.capacity = disk_->used()});
  create("/queue/000001.log");
  EXPECT_FALSE(ballast_.there());
}

TEST_F(LogOnADisk, EndsWithItsLastWholeRecordWhenItFails) {
  const auto log = create("/queue/000001.log");
  EXPECT_TRUE(append(*log, "whole").ok());
  files_.note_whole();
  EXPECT_TRUE(append(*log, " begun").ok());
  fill_up(3);
  EXPECT_TRUE(append(*log, " and not ended").IsNoSpace());
  EXPECT_TRUE(files_.newest_failure().IsNoSpace());
  disk_->set_faults({});
  EXPECT_TRUE(append(*log, "more").IsNoSpace());
  EXPECT_EQ(content("/queue/000001.log"), "whole");
  EXPECT_TRUE(files_.newest_failure().IsNoSpace());

  create("/queue/000002.log");
  EXPECT_TRUE(files_.newest_failure().ok());
}

TEST_F(LogOnADisk, FailsWithItsSync) {
  const auto log = create("/queue/000001.log");
  EXPECT_TRUE(append(*log, "whole").ok());
  disk_->set_faults(DiskFaults{.sync = 1});
  EXPECT_FALSE(log->Sync({}, nullptr).ok());
  EXPECT_TRUE(files_.newest_failure().IsIOError());
}

TEST_F(LogOnADisk, IsNotTakenForItsCopyInABackup) {
  ballast_.take_in(100 * kBallastBytes);
  const auto log = create("/queue/000001.log");
  const auto copy = create("/backup/000001.log");
  fill_up(3);
  EXPECT_TRUE(append(*copy, "of a log").IsNoSpace());
  EXPECT_TRUE(files_.newest_failure().ok());
  EXPECT_TRUE(ballast_.there()) << "it is not for backups";
  disk_->set_faults(DiskFaults{.append = 1});
  EXPECT_FALSE(append(*log, "bytes").ok());
  EXPECT_FALSE(files_.newest_failure().ok());
}

}  // namespace
}  // namespace posthaste::queue
