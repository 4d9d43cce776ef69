#include "tests/unit/queue/fault_file_system.h"

#include <rocksdb/system_clock.h>

#include <algorithm>
#include <utility>

#include "lib/base/check.h"

namespace posthaste::queue {
namespace {

using Io = rocksdb::IOStatus;
using Bytes = FaultFileSystem::Bytes;
using Options = FaultFileSystem::Options;
using Debug = FaultFileSystem::Debug;

class Reader final : public rocksdb::FSSequentialFile, public rocksdb::FSRandomAccessFile {
 public:
  Reader(const FaultFileSystem& disk, Bytes file) : disk_(disk), file_(std::move(file)) {}
  Io Read(std::size_t size, const Options&, rocksdb::Slice* result, char* scratch,
          Debug*) override {
    Io done = disk_.read(*file_, at_, size, result, scratch);
    at_ += result->size();
    return done;
  }
  Io Skip(std::uint64_t size) override {
    at_ += size;
    return Io::OK();
  }
  Io Read(std::uint64_t from, std::size_t size, const Options&, rocksdb::Slice* result,
          char* scratch, Debug*) const override {
    return disk_.read(*file_, from, size, result, scratch);
  }
  // Two bases say it; both mean this.
  Io InvalidateCache(std::size_t, std::size_t) override { return Io::OK(); }

 private:
  const FaultFileSystem& disk_;
  const Bytes file_;
  std::uint64_t at_ = 0;
};

class Writer final : public rocksdb::FSWritableFile {
 public:
  Writer(FaultFileSystem& disk, Bytes file) : disk_(disk), file_(std::move(file)) {}
  using rocksdb::FSWritableFile::Append;
  Io Append(const rocksdb::Slice& bytes, const Options&, Debug*) override {
    return disk_.append(*file_, bytes);
  }
  using rocksdb::FSWritableFile::PositionedAppend;
  Io PositionedAppend(const rocksdb::Slice& bytes, std::uint64_t offset, const Options&,
                      Debug*) override {
    return disk_.append_at(*file_, offset, bytes);
  }
  Io Truncate(std::uint64_t size, const Options&, Debug*) override {
    return disk_.truncate(*file_, size);
  }
  Io Close(const Options&, Debug*) override { return Io::OK(); }
  Io Flush(const Options&, Debug*) override { return Io::OK(); }
  Io Sync(const Options&, Debug*) override { return disk_.sync(*file_); }
  bool IsSyncThreadSafe() const override { return true; }
  Io Allocate(std::uint64_t from, std::uint64_t size, const Options&, Debug*) override {
    return disk_.allocate(*file_, from + size);
  }
  void PrepareWrite(std::size_t, std::size_t, const Options&, Debug*) override {}
  std::uint64_t GetFileSize(const Options&, Debug*) override { return file_->bytes.size(); }

 private:
  FaultFileSystem& disk_;
  const Bytes file_;
};

class Directory final : public rocksdb::FSDirectory {
 public:
  explicit Directory(FaultFileSystem& disk) : disk_(disk) {}
  Io Fsync(const Options&, Debug*) override { return disk_.sync_directory(); }

 private:
  FaultFileSystem& disk_;
};

// Nobody sleeps long by it, and it is slow by so much that RocksDB, which looks every 5 s whether a
// full disk has room again, wakes after a millisecond.
class HastyClock final : public rocksdb::SystemClockWrapper {
 public:
  using rocksdb::SystemClockWrapper::SystemClockWrapper;
  std::uint64_t NowMicros() override {
    return rocksdb::SystemClockWrapper::NowMicros() - kSlowByMicros;
  }
  const char* Name() const override { return "posthaste.HastyClock"; }
  void SleepForMicroseconds(int micros) override {
    rocksdb::SystemClockWrapper::SleepForMicroseconds(std::min(micros, kSleepMicrosMax));
  }

 private:
  static constexpr int kSleepMicrosMax = 100;
  static constexpr std::uint64_t kSlowByMicros = 4'999'000;
};

class FaultEnv final : public rocksdb::EnvWrapper {
 public:
  explicit FaultEnv(const std::shared_ptr<FaultFileSystem>& disk)
      : rocksdb::EnvWrapper(rocksdb::NewCompositeEnv(disk)) {
    file_system_ = disk;
    system_clock_ = std::make_shared<HastyClock>(rocksdb::SystemClock::Default());
  }
  void SleepForMicroseconds(int micros) override { system_clock_->SleepForMicroseconds(micros); }
};

class Lock final : public rocksdb::FileLock {};

// RocksDB writes "/queue/" and "/queue//000004.log" too.
std::string plain(const std::string& path) {
  std::string name;
  for (const char byte : path) {
    if (byte != '/' || name.empty() || name.back() != '/') name.push_back(byte);
  }
  if (name.size() > 1 && name.back() == '/') name.pop_back();
  return name;
}

std::string parent_of(const std::string& path) { return path.substr(0, path.find_last_of('/')); }

}  // namespace

// ---- faults -------------------------------------------------------------------------------------

void FaultFileSystem::set_faults(const DiskFaults& faults) {
  const std::lock_guard lock(mutex_);
  faults_ = faults;
}

void FaultFileSystem::cut_after(std::uint64_t changes) {
  const std::lock_guard lock(mutex_);
  cut_at_ = changes_ + changes;
}

bool FaultFileSystem::is_cut() const {
  const std::lock_guard lock(mutex_);
  return changes_ >= cut_at_;
}

std::uint64_t FaultFileSystem::changes() const {
  const std::lock_guard lock(mutex_);
  return changes_;
}

std::uint64_t FaultFileSystem::used() const {
  const std::lock_guard lock(mutex_);
  return used_locked();
}

std::uint64_t FaultFileSystem::used_locked() const {
  std::uint64_t used = 0;
  for (const auto& [path, file] : names_) used += file->room();
  return used;
}

// Counts a change of the disk, and says whether it comes about.
Io FaultFileSystem::begin_change(double chance, const char* what) {
  if (changes_ >= cut_at_) return Io::IOError(what, "there is no power");
  ++changes_;
  if (chance > 0 && rng_.chance(chance)) return Io::IOError(what, "as the dice fell");
  return Io::OK();
}

void FaultFileSystem::power_up() {
  const std::lock_guard lock(mutex_);
  CHECK(changes_ >= cut_at_);
  const std::size_t kept = rng_.below(unsynced_.size() + 1);
  for (std::size_t i = 0; i < kept; ++i) {
    for (const auto& [path, file] : unsynced_[i]) {
      if (file) durable_names_[path] = file;
      if (!file) durable_names_.erase(path);
    }
  }
  unsynced_.clear();
  names_ = durable_names_;
  for (const auto& [path, file] : names_) forget_unsynced(path, *file);
  cut_at_ = UINT64_MAX;
  faults_ = DiskFaults{};
}

// A hole in the midst of the database's own list of its files would be more than RocksDB can bear.
void FaultFileSystem::forget_unsynced(const std::string& path, File& file) {
  const std::size_t unsynced = file.bytes.size() - file.synced;
  if (unsynced == 0) return;
  const std::size_t kept = rng_.chance(0.3) ? 0 : rng_.below(unsynced + 1);
  file.bytes.resize(file.synced + kept);
  file.allocated = file.bytes.size();
  if (kept > 0 && path.ends_with(".log") && rng_.chance(0.3)) {
    const std::size_t hole = rng_.below(kept);
    const std::size_t size = rng_.below(kept - hole) + 1;
    std::fill_n(file.bytes.begin() + static_cast<std::ptrdiff_t>(file.synced + hole), size, '\0');
  }
  file.synced = file.bytes.size();
}

// ---- of an open file ----------------------------------------------------------------------------

Io FaultFileSystem::append(File& file, const rocksdb::Slice& bytes) {
  return append_at(file, file.bytes.size(), bytes);
}

Io FaultFileSystem::append_at(File& file, std::uint64_t offset, const rocksdb::Slice& bytes) {
  const std::lock_guard lock(mutex_);
  CHECK(offset <= file.bytes.size() && offset >= file.synced);
  if (Io begun = begin_change(faults_.append, "append"); !begun.ok()) {
    // What fails may have been done in part.
    if (changes_ < cut_at_) write_part(file, offset, bytes, rng_.below(bytes.size() + 1));
    return begun;
  }
  const std::size_t after = offset + bytes.size();
  const std::uint64_t used = used_locked();
  if (after > file.room() && used + (after - file.room()) > faults_.capacity) {
    const std::uint64_t free = faults_.capacity - std::min(faults_.capacity, used);
    write_part(file, offset, bytes,
               std::min<std::size_t>(file.room() + free - offset, bytes.size()));
    Io full = Io::NoSpace("append", "the disk is full");
    full.SetRetryable(true);
    return full;
  }
  write_part(file, offset, bytes, bytes.size());
  return Io::OK();
}

void FaultFileSystem::write_part(File& file, std::uint64_t offset, const rocksdb::Slice& bytes,
                                 std::size_t size) {
  file.bytes.resize(offset);
  file.bytes.append(bytes.data(), size);
}

Io FaultFileSystem::truncate(File& file, std::uint64_t size) {
  const std::lock_guard lock(mutex_);
  if (Io begun = begin_change(0, "truncate"); !begun.ok()) return begun;
  file.bytes.resize(size);
  file.synced = std::min(file.synced, file.bytes.size());
  return Io::OK();
}

Io FaultFileSystem::sync(File& file) {
  const std::lock_guard lock(mutex_);
  if (Io begun = begin_change(faults_.sync, "sync"); !begun.ok()) return begun;
  if (!faults_.syncs_lie) file.synced = file.bytes.size();
  return Io::OK();
}

Io FaultFileSystem::allocate(File& file, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  if (Io begun = begin_change(0, "allocate"); !begun.ok()) return begun;
  if (bytes > file.room() && used_locked() + (bytes - file.room()) > faults_.capacity) {
    return Io::NoSpace("allocate", "the disk is full");
  }
  file.allocated = std::max<std::size_t>(file.allocated, bytes);
  return Io::OK();
}

Io FaultFileSystem::sync_directory() {
  const std::lock_guard lock(mutex_);
  if (Io begun = begin_change(faults_.sync, "sync of a directory"); !begun.ok()) return begun;
  if (faults_.syncs_lie) return Io::OK();
  durable_names_ = names_;
  unsynced_.clear();
  return Io::OK();
}

Io FaultFileSystem::read(const File& file, std::uint64_t from, std::size_t size,
                         rocksdb::Slice* result, char* scratch) const {
  const std::lock_guard lock(mutex_);
  const std::size_t begin = std::min<std::size_t>(from, file.bytes.size());
  const std::size_t count = std::min(size, file.bytes.size() - begin);
  std::copy_n(file.bytes.data() + begin, count, scratch);
  *result = rocksdb::Slice(scratch, count);
  return Io::OK();
}

// ---- names --------------------------------------------------------------------------------------

Io FaultFileSystem::find(const std::string& path, Bytes* file) const {
  const auto found = names_.find(plain(path));
  if (found == names_.end()) return Io::PathNotFound(path);
  if (file != nullptr) *file = found->second;
  return Io::OK();
}

void FaultFileSystem::rename_in(Changes&& changes) {
  for (const auto& [path, file] : changes) {
    if (file) names_[path] = file;
    if (!file) names_.erase(path);
  }
  unsynced_.push_back(std::move(changes));
}

Io FaultFileSystem::NewSequentialFile(const std::string& path, const rocksdb::FileOptions&,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* result, Debug*) {
  const std::lock_guard lock(mutex_);
  Bytes file;
  Io found = find(path, &file);
  if (found.ok()) *result = std::make_unique<Reader>(*this, std::move(file));
  return found;
}

Io FaultFileSystem::NewRandomAccessFile(const std::string& path, const rocksdb::FileOptions&,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                                        Debug*) {
  const std::lock_guard lock(mutex_);
  Bytes file;
  Io found = find(path, &file);
  if (found.ok()) *result = std::make_unique<Reader>(*this, std::move(file));
  return found;
}

Io FaultFileSystem::NewWritableFile(const std::string& path, const rocksdb::FileOptions&,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result, Debug*) {
  const std::lock_guard lock(mutex_);
  if (Io begun = begin_change(faults_.create, "create"); !begun.ok()) return begun;
  if (used_locked() >= faults_.capacity) return Io::NoSpace("create", "the disk is full");
  auto file = std::make_shared<File>();
  rename_in({{plain(path), file}});
  *result = std::make_unique<Writer>(*this, std::move(file));
  return Io::OK();
}

Io FaultFileSystem::ReopenWritableFile(const std::string& path, const rocksdb::FileOptions&,
                                       std::unique_ptr<rocksdb::FSWritableFile>* result, Debug*) {
  const std::lock_guard lock(mutex_);
  Bytes file;
  Io found = find(path, &file);
  if (found.ok()) *result = std::make_unique<Writer>(*this, std::move(file));
  return found;
}

Io FaultFileSystem::NewDirectory(const std::string&, const Options&,
                                 std::unique_ptr<rocksdb::FSDirectory>* result, Debug*) {
  *result = std::make_unique<Directory>(*this);
  return Io::OK();
}

Io FaultFileSystem::FileExists(const std::string& path, const Options&, Debug*) {
  const std::lock_guard lock(mutex_);
  if (directories_.contains(plain(path))) return Io::OK();
  return find(path, nullptr).ok() ? Io::OK() : Io::NotFound(path);
}

Io FaultFileSystem::GetChildren(const std::string& path, const Options&,
                                std::vector<std::string>* result, Debug*) {
  const std::lock_guard lock(mutex_);
  result->clear();
  const std::string directory = plain(path);
  if (!directories_.contains(directory)) return Io::PathNotFound(path);
  for (const auto& [name, file] : names_) {
    if (parent_of(name) == directory) result->push_back(name.substr(directory.size() + 1));
  }
  return Io::OK();
}

Io FaultFileSystem::DeleteFile(const std::string& path, const Options&, Debug*) {
  const std::lock_guard lock(mutex_);
  if (Io found = find(path, nullptr); !found.ok()) return found;
  if (Io begun = begin_change(0, "delete"); !begun.ok()) return begun;
  rename_in({{plain(path), nullptr}});
  return Io::OK();
}

Io FaultFileSystem::RenameFile(const std::string& from, const std::string& to, const Options&,
                               Debug*) {
  const std::lock_guard lock(mutex_);
  Bytes file;
  if (Io found = find(from, &file); !found.ok()) return found;
  if (Io begun = begin_change(faults_.rename, "rename"); !begun.ok()) return begun;
  rename_in({{plain(from), nullptr}, {plain(to), std::move(file)}});
  return Io::OK();
}

// Directories are there at once and for good: the queue is given one, and makes none.
Io FaultFileSystem::CreateDir(const std::string& path, const Options&, Debug*) {
  const std::lock_guard lock(mutex_);
  directories_.insert(plain(path));
  return Io::OK();
}

Io FaultFileSystem::CreateDirIfMissing(const std::string& path, const Options& options,
                                       Debug* debug) {
  return CreateDir(path, options, debug);
}

Io FaultFileSystem::DeleteDir(const std::string& path, const Options&, Debug*) {
  const std::lock_guard lock(mutex_);
  directories_.erase(plain(path));
  return Io::OK();
}

// ---- the rest -----------------------------------------------------------------------------------

Io FaultFileSystem::GetFileSize(const std::string& path, const Options&, std::uint64_t* size,
                                Debug*) {
  const std::lock_guard lock(mutex_);
  Bytes file;
  Io found = find(path, &file);
  if (found.ok()) *size = file->bytes.size();
  return found;
}

Io FaultFileSystem::GetFileModificationTime(const std::string& path, const Options&,
                                            std::uint64_t* time, Debug*) {
  const std::lock_guard lock(mutex_);
  *time = 0;
  return find(path, nullptr);
}

Io FaultFileSystem::LockFile(const std::string&, const Options&, rocksdb::FileLock** lock, Debug*) {
  *lock = new Lock;
  return Io::OK();
}

Io FaultFileSystem::UnlockFile(rocksdb::FileLock* lock, const Options&, Debug*) {
  delete lock;
  return Io::OK();
}

Io FaultFileSystem::GetTestDirectory(const Options&, std::string* path, Debug*) {
  *path = "/";
  return Io::OK();
}

Io FaultFileSystem::GetAbsolutePath(const std::string& path, const Options&, std::string* absolute,
                                    Debug*) {
  *absolute = path;
  return Io::OK();
}

Io FaultFileSystem::GetFreeSpace(const std::string&, const Options&, std::uint64_t* bytes, Debug*) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t used = used_locked();
  *bytes = faults_.capacity > used ? faults_.capacity - used : 0;
  if (faults_.free_told > 0) *bytes = faults_.free_told;
  return Io::OK();
}

Io FaultFileSystem::IsDirectory(const std::string& path, const Options&, bool* is, Debug*) {
  const std::lock_guard lock(mutex_);
  *is = directories_.contains(plain(path));
  return Io::OK();
}

std::unique_ptr<rocksdb::Env> make_fault_env(const std::shared_ptr<FaultFileSystem>& disk) {
  return std::make_unique<FaultEnv>(disk);
}

}  // namespace posthaste::queue
