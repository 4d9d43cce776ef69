#include "queue/rocks/ballast.h"

#include <memory>

namespace posthaste::queue {
namespace {

std::string in_mebibytes(std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

}  // namespace

Ballast::Ballast(rocksdb::Env& env, const RocksOptions& options)
    : env_(env),
      path_(options.dir + "/ballast"),
      bytes_(options.ballast_bytes),
      floor_(options.min_free_space),
      log_(options.log) {
  there_ = bytes_ > 0 && env_.FileExists(path_).ok();
}

bool Ballast::there() const {
  const std::lock_guard lock(mutex_);
  return there_;
}

void Ballast::take_in(std::uint64_t free_space) {
  const std::lock_guard lock(mutex_);
  if (there_ || impossible_ || bytes_ == 0) return;
  // As much again stays free, so that taking it in does not make the disk full that it is for.
  if (free_space < floor_ + 2 * bytes_) return;
  const rocksdb::Status made = make();
  there_ = made.ok();
  impossible_ = !made.ok() && !made.IsNoSpace();
  if (impossible_) {
    say(LogLevel::kWarning, "no ballast can be made beside the queue: " + made.ToString());
  }
}

// Under another name first: a file of the right name has all its room.
rocksdb::Status Ballast::make() const {
  const std::string unfinished = path_ + ".new";
  rocksdb::EnvOptions how;
  how.fallocate_with_keep_size = false;  // so that whoever lists the directory sees how large it is
  std::unique_ptr<rocksdb::WritableFile> file;
  rocksdb::Status status = env_.NewWritableFile(unfinished, &file, how);
  if (status.ok()) status = file->Allocate(0, bytes_);
  if (file) file->Close().PermitUncheckedError();
  if (status.ok()) status = env_.RenameFile(unfinished, path_);
  if (!status.ok()) env_.DeleteFile(unfinished).PermitUncheckedError();
  return status;
}

bool Ballast::throw_off() {
  const std::lock_guard lock(mutex_);
  if (!there_) return false;
  const rocksdb::Status gone = env_.DeleteFile(path_);
  there_ = !gone.ok() && !gone.IsNotFound();
  if (there_) {
    say(LogLevel::kError, "the ballast of the queue cannot be thrown off: " + gone.ToString());
    return false;
  }
  say(LogLevel::kWarning, "the disk of the queue is full; its ballast of " + in_mebibytes(bytes_) +
                              " was thrown off, for what becomes of the mail that is there");
  return true;
}

void Ballast::say(LogLevel level, const std::string& words) const {
  if (log_) log_(level, words);
}

}  // namespace posthaste::queue
