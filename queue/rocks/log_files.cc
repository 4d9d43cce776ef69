#include "queue/rocks/log_files.h"

#include <cstdint>
#include <filesystem>
#include <utility>

namespace posthaste::queue {
namespace {

using Io = rocksdb::IOStatus;
using Debug = rocksdb::IODebugContext;

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
  rocksdb::Status failure() const {
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
  void fail(const Io& how) {
    const std::lock_guard lock(mutex_);
    if (failure_.ok()) failure_ = how;
  }

 private:
  mutable std::mutex mutex_;
  std::uint64_t size_ = 0;
  std::uint64_t whole_ = 0;
  rocksdb::Status failure_;
};

class LogFiles::LogFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  LogFile(std::unique_ptr<rocksdb::FSWritableFile> file, std::shared_ptr<Log> log, Ballast& ballast)
      : rocksdb::FSWritableFileOwnerWrapper(std::move(file)),
        log_(std::move(log)),
        ballast_(ballast) {}

  // RocksDB tries the rest of what failed once more when it leaves the log behind. That was refused
  // as a whole, and is not to be found by the next start.
  Io Append(const rocksdb::Slice& bytes, const rocksdb::IOOptions& options, Debug* debug) override {
    if (!log_->failure().ok()) return Io::OK();
    Io done = put(bytes, options, debug);
    if (done.IsNoSpace() && ballast_.throw_off()) done = put(bytes, options, debug);
    if (done.ok()) {
      log_->grow(bytes.size());
    } else {
      log_->fail(done);
      target()->Truncate(log_->whole(), options, debug).PermitUncheckedError();
    }
    return done;
  }
  Io Append(const rocksdb::Slice& bytes, const rocksdb::IOOptions& options,
            const rocksdb::DataVerificationInfo&, Debug* debug) override {
    return Append(bytes, options, debug);
  }
  Io Sync(const rocksdb::IOOptions& options, Debug* debug) override {
    return checked(target()->Sync(options, debug));
  }
  Io Fsync(const rocksdb::IOOptions& options, Debug* debug) override {
    return checked(target()->Fsync(options, debug));
  }

 private:
  // At a place that we name: what failed was perhaps written in part, and is written over.
  Io put(const rocksdb::Slice& bytes, const rocksdb::IOOptions& options, Debug* debug) {
    return target()->PositionedAppend(bytes, log_->size(), options, debug);
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
