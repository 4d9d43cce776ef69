#include "queue/rocks/log_files.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <utility>

namespace posthaste::queue {
namespace {

using Io = rocksdb::IOStatus;
using Debug = rocksdb::IODebugContext;

constexpr std::size_t kAllocatedAhead = std::size_t{4} << 20;

class EnvWithLogFiles final : public rocksdb::EnvWrapper {
 public:
  EnvWithLogFiles(rocksdb::Env& base, const std::shared_ptr<LogFiles>& files)
      : rocksdb::EnvWrapper(&base) {
    file_system_ = files;
    system_clock_ = base.GetSystemClock();
  }
};

// Without a "//" in it or behind it.
std::string plain_parent(const std::string& path) {
  return std::filesystem::path(path).lexically_normal().parent_path().string();
}

}  // namespace

// What is known of one log, also when its file is closed.
class LogFiles::Log {
 public:
  std::uint64_t size() const {
    const std::lock_guard lock(mutex_);
    return size_;
  }
  std::uint64_t whole() const {
    const std::lock_guard lock(mutex_);
    return whole_;
  }
  Io failure() const {
    const std::lock_guard lock(mutex_);
    return failure_;
  }
  void grow(std::uint64_t by) {
    const std::lock_guard lock(mutex_);
    size_ += by;
  }
  void note_whole() {
    const std::lock_guard lock(mutex_);
    whole_ = size_;
  }
  void note_torn() {
    const std::lock_guard lock(mutex_);
    torn_ = true;
  }
  void note_cut() {
    const std::lock_guard lock(mutex_);
    torn_ = false;
  }
  bool torn() const {
    const std::lock_guard lock(mutex_);
    return torn_;
  }
  void fail(const Io& how) {
    const std::lock_guard lock(mutex_);
    if (failure_.ok()) failure_ = how;
  }

 private:
  mutable std::mutex mutex_;
  std::uint64_t size_ = 0;
  std::uint64_t whole_ = 0;
  bool torn_ = false;  // perhaps there is more than `whole_`
  Io failure_;
};

class LogFiles::LogFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  LogFile(std::unique_ptr<rocksdb::FSWritableFile> file, std::shared_ptr<Log> log, Ballast& ballast)
      : rocksdb::FSWritableFileOwnerWrapper(std::move(file)),
        log_(std::move(log)),
        ballast_(ballast) {}

  // What fails was refused as a whole, and is not to be found by the next start.
  Io Append(const rocksdb::Slice& bytes, const rocksdb::IOOptions& options, Debug* debug) override {
    if (Io before = log_->failure(); !before.ok()) return before;
    Io done = put(bytes, options, debug);
    if (done.IsNoSpace() && ballast_.throw_off()) done = put(bytes, options, debug);
    if (done.ok()) {
      log_->grow(bytes.size());
    } else {
      log_->fail(done);
      log_->note_torn();
      cut_back(options, debug).PermitUncheckedError();
    }
    return done;
  }
  Io Append(const rocksdb::Slice& bytes, const rocksdb::IOOptions& options,
            const rocksdb::DataVerificationInfo&, Debug* debug) override {
    return Append(bytes, options, debug);
  }
  // Also of a log that RocksDB has left behind.
  Io Sync(const rocksdb::IOOptions& options, Debug* debug) override {
    if (Io cut = cut_back(options, debug); !cut.ok()) return cut;
    return checked(target()->Sync(options, debug));
  }
  Io Fsync(const rocksdb::IOOptions& options, Debug* debug) override {
    if (Io cut = cut_back(options, debug); !cut.ok()) return cut;
    return checked(target()->Fsync(options, debug));
  }
  // As much as a memtable holds would be more than the ballast can spare.
  void SetPreallocationBlockSize(std::size_t bytes) override {
    target()->SetPreallocationBlockSize(std::min(bytes, kAllocatedAhead));
  }

 private:
  // At a place that we name: what failed was perhaps written in part, and is written over.
  Io put(const rocksdb::Slice& bytes, const rocksdb::IOOptions& options, Debug* debug) {
    return target()->PositionedAppend(bytes, log_->size(), options, debug);
  }
  Io cut_back(const rocksdb::IOOptions& options, Debug* debug) {
    if (!log_->torn()) return Io::OK();
    Io done = target()->Truncate(log_->whole(), options, debug);
    if (done.ok()) log_->note_cut();
    return done;
  }
  Io checked(Io done) {
    if (!done.ok()) log_->fail(done);
    return done;
  }

  const std::shared_ptr<Log> log_;
  Ballast& ballast_;
};

LogFiles::LogFiles(std::shared_ptr<rocksdb::FileSystem> beneath, std::string dir, Ballast& ballast)
    : rocksdb::FileSystemWrapper(std::move(beneath)),
      dir_(plain_parent(std::move(dir) + "/log")),
      ballast_(ballast) {}

bool LogFiles::is_log(const std::string& path) const {
  return path.ends_with(".log") && plain_parent(path) == dir_;
}

std::shared_ptr<LogFiles::Log> LogFiles::newest() const {
  const std::lock_guard lock(mutex_);
  return newest_;
}

rocksdb::Status LogFiles::newest_failure() const {
  const auto log = newest();
  return log ? log->failure() : rocksdb::Status::OK();
}

void LogFiles::note_whole() {
  if (const auto log = newest()) log->note_whole();
}

Io LogFiles::NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                             std::unique_ptr<rocksdb::FSWritableFile>* result, Debug* debug) {
  Io made = target()->NewWritableFile(path, options, result, debug);
  if (!is_log(path)) return made;
  if (made.IsNoSpace() && ballast_.throw_off()) {
    made = target()->NewWritableFile(path, options, result, debug);
  }
  if (!made.ok()) return made;
  auto log = std::make_shared<Log>();
  *result = std::make_unique<LogFile>(std::move(*result), log, ballast_);
  const std::lock_guard lock(mutex_);
  newest_ = std::move(log);
  return made;
}

std::unique_ptr<rocksdb::Env> with_log_files(rocksdb::Env& base,
                                             const std::shared_ptr<LogFiles>& files) {
  return std::make_unique<EnvWithLogFiles>(base, files);
}

}  // namespace posthaste::queue
