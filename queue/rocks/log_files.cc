#include "queue/rocks/log_files.h"

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

}  // namespace

class LogFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  LogFile(std::unique_ptr<rocksdb::FSWritableFile> file, LogFiles& files, std::uint64_t number)
      : rocksdb::FSWritableFileOwnerWrapper(std::move(file)), files_(files), number_(number) {}

  // At a place that we name: what failed was perhaps written in part, and is written over.
  Io Append(const rocksdb::Slice& bytes, const rocksdb::IOOptions& options, Debug* debug) override {
    Io done = target()->PositionedAppend(bytes, size_, options, debug);
    if (done.IsNoSpace() && files_.ballast_.throw_off()) {
      done = target()->PositionedAppend(bytes, size_, options, debug);
    }
    if (done.ok()) size_ += bytes.size();
    return checked(std::move(done));
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
  Io checked(Io done) {
    if (!done.ok()) files_.failed(number_, done);
    return done;
  }

  LogFiles& files_;
  const std::uint64_t number_;
  std::uint64_t size_ = 0;
};

LogFiles::LogFiles(std::shared_ptr<rocksdb::FileSystem> beneath, Ballast& ballast)
    : rocksdb::FileSystemWrapper(std::move(beneath)), ballast_(ballast) {}

rocksdb::Status LogFiles::newest_failure() const {
  const std::lock_guard lock(mutex_);
  return failed_ == newest_ ? failure_ : rocksdb::Status::OK();
}

void LogFiles::failed(std::uint64_t log, const rocksdb::IOStatus& how) {
  const std::lock_guard lock(mutex_);
  if (log <= failed_) return;
  failed_ = log;
  failure_ = how;
}

Io LogFiles::NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                             std::unique_ptr<rocksdb::FSWritableFile>* result, Debug* debug) {
  const bool is_log = path.ends_with(".log");
  Io made = target()->NewWritableFile(path, options, result, debug);
  if (is_log && made.IsNoSpace() && ballast_.throw_off()) {
    made = target()->NewWritableFile(path, options, result, debug);
  }
  if (!is_log || !made.ok()) return made;
  const std::lock_guard lock(mutex_);
  *result = std::make_unique<LogFile>(std::move(*result), *this, ++newest_);
  return made;
}

std::unique_ptr<rocksdb::Env> with_log_files(rocksdb::Env& base,
                                             const std::shared_ptr<LogFiles>& files) {
  return std::make_unique<EnvWithLogFiles>(base, files);
}

}  // namespace posthaste::queue
