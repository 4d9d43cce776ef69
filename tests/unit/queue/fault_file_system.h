// FaultFileSystem: a disk in memory for RocksDB, that fails when chance or a budget says so, runs
// full, and forgets in a power cut what was not synced.
//
// What a power cut leaves: of each file what was synced, and of the rest a beginning of any length,
// in a log at times with a hole of zeros; of what was created, renamed and deleted since the
// directory was synced, the first few. That is what a journaling file system may do, and no more.
//
// Lifetime     outlives all that uses it; a power cut does not end it.
// Threads      any.
// Does not     know RocksDB's files; keep times.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "lib/base/rng.h"

namespace posthaste::queue {

// What chance does to one operation of a kind; 0: never.
struct DiskFaults {
  double append = 0;
  double sync = 0;
  double create = 0;
  double rename = 0;
  bool syncs_lie = false;  // says that it is done, and is not
  // Bytes. Where it is used up, not even an empty file can be made.
  std::uint64_t capacity = std::uint64_t{1} << 40;
  // What is told of the free room, whatever is there, as if somebody took it right after; 0: the
  // truth.
  std::uint64_t free_told = 0;
};

class FaultFileSystem : public rocksdb::FileSystem {
 public:
  struct File {
    std::string bytes;
    std::size_t synced = 0;     // of the bytes
    std::size_t allocated = 0;  // may be more than there are
    std::size_t room() const { return std::max(bytes.size(), allocated); }
  };
  using Bytes = std::shared_ptr<File>;
  using Options = rocksdb::IOOptions;
  using Debug = rocksdb::IODebugContext;
  using Io = rocksdb::IOStatus;

  explicit FaultFileSystem(std::uint64_t seed) : rng_(seed) { directories_.insert("/"); }

  void set_faults(const DiskFaults& faults);
  // Power goes after so many more changes of the disk. From then on every change fails.
  void cut_after(std::uint64_t changes);
  void cut() { cut_after(0); }
  bool is_cut() const;
  // The disk as it is found afterwards; faults are as in DiskFaults{} again. REQUIRES is_cut(), and
  // that nothing has a file open.
  void power_up();
  std::uint64_t changes() const;
  std::uint64_t used() const;

  // ---- of an open file ----
  Io append(File& file, const rocksdb::Slice& bytes);
  // Over what may be there from `offset` on.
  Io append_at(File& file, std::uint64_t offset, const rocksdb::Slice& bytes);
  Io truncate(File& file, std::uint64_t size);
  Io sync(File& file);
  Io allocate(File& file, std::uint64_t bytes);
  Io sync_directory();
  Io read(const File& file, std::uint64_t from, std::size_t size, rocksdb::Slice* result,
          char* scratch) const;

  // ---- as rocksdb::FileSystem ----
  const char* Name() const override { return "posthaste.FaultFileSystem"; }
  Io NewSequentialFile(const std::string& path, const rocksdb::FileOptions& options,
                       std::unique_ptr<rocksdb::FSSequentialFile>* result, Debug* debug) override;
  Io NewRandomAccessFile(const std::string& path, const rocksdb::FileOptions& options,
                         std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                         Debug* debug) override;
  Io NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                     std::unique_ptr<rocksdb::FSWritableFile>* result, Debug* debug) override;
  Io ReopenWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                        std::unique_ptr<rocksdb::FSWritableFile>* result, Debug* debug) override;
  Io NewDirectory(const std::string& path, const Options& options,
                  std::unique_ptr<rocksdb::FSDirectory>* result, Debug* debug) override;
  Io FileExists(const std::string& path, const Options& options, Debug* debug) override;
  Io GetChildren(const std::string& path, const Options& options, std::vector<std::string>* result,
                 Debug* debug) override;
  Io DeleteFile(const std::string& path, const Options& options, Debug* debug) override;
  Io CreateDir(const std::string& path, const Options& options, Debug* debug) override;
  Io CreateDirIfMissing(const std::string& path, const Options& options, Debug* debug) override;
  Io DeleteDir(const std::string& path, const Options& options, Debug* debug) override;
  Io GetFileSize(const std::string& path, const Options& options, std::uint64_t* size,
                 Debug* debug) override;
  Io GetFileModificationTime(const std::string& path, const Options& options, std::uint64_t* time,
                             Debug* debug) override;
  Io RenameFile(const std::string& from, const std::string& to, const Options& options,
                Debug* debug) override;
  Io LockFile(const std::string& path, const Options& options, rocksdb::FileLock** lock,
              Debug* debug) override;
  Io UnlockFile(rocksdb::FileLock* lock, const Options& options, Debug* debug) override;
  Io GetTestDirectory(const Options& options, std::string* path, Debug* debug) override;
  Io GetAbsolutePath(const std::string& path, const Options& options, std::string* absolute,
                     Debug* debug) override;
  Io GetFreeSpace(const std::string& path, const Options& options, std::uint64_t* bytes,
                  Debug* debug) override;
  Io IsDirectory(const std::string& path, const Options& options, bool* is, Debug* debug) override;

 private:
  using Names = std::map<std::string, Bytes>;
  using Changes = std::vector<std::pair<std::string, Bytes>>;  // null: the name is gone

  static void write_part(File& file, std::uint64_t offset, const rocksdb::Slice& bytes,
                         std::size_t size);
  Io begin_change(double chance, const char* what);
  Io find(const std::string& path, Bytes* file) const;
  void rename_in(Changes&& changes);
  std::uint64_t used_locked() const;
  void forget_unsynced(const std::string& path, File& file);

  mutable std::mutex mutex_;
  Rng rng_;
  DiskFaults faults_;
  std::uint64_t changes_ = 0;
  std::uint64_t cut_at_ = UINT64_MAX;
  std::set<std::string> directories_;
  Names names_;
  Names durable_names_;
  std::vector<Changes> unsynced_;  // of names, one step each
};

// An operating system with this disk, on which nobody sleeps long: RocksDB pauses for a second
// after each failure in the background.
std::unique_ptr<rocksdb::Env> make_fault_env(const std::shared_ptr<FaultFileSystem>& disk);

}  // namespace posthaste::queue
