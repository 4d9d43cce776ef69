// LogFiles: the operating system as RocksDB sees it, with care for the files of its write-ahead
// log. What finds no room there goes in all the same once the ballast is thrown off; and a log that
// could not be written or synced is told of, as nothing may be added to it any more.
//
// RocksDB goes over to a new log after such a failure, but not always: when it had nothing in
// memory it thinks that it is well again, and the next write to the same log runs into an assertion
// that ends the process (7.8.3: WritableFileWriter::AssertFalseAndGetStatusForPrevError).
//
// Lifetime     outlives the database; what is beneath it, and the ballast, outlive it.
// Threads      any.
// Does not     count files that another process, or RocksDB when it opens, only syncs.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "queue/rocks/ballast.h"

namespace posthaste::queue {

class LogFiles final : public rocksdb::FileSystemWrapper {
 public:
  LogFiles(std::shared_ptr<rocksdb::FileSystem> beneath, Ballast& ballast);

  // How the newest log failed: it lacks what it was given, or nobody knows what the disk has of it.
  // OK: it did not.
  rocksdb::Status newest_failure() const;

  const char* Name() const override { return "posthaste.LogFiles"; }
  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override;

 private:
  friend class LogFile;
  void failed(std::uint64_t log, const rocksdb::IOStatus& how);

  Ballast& ballast_;
  mutable std::mutex mutex_;
  std::uint64_t newest_ = 0;  // logs made by this process, counted from 1
  std::uint64_t failed_ = 0;  // the newest of those that failed
  rocksdb::Status failure_;   // its
};

// `base` with these files; it outlives what is returned.
std::unique_ptr<rocksdb::Env> with_log_files(rocksdb::Env& base,
                                             const std::shared_ptr<LogFiles>& files);

}  // namespace posthaste::queue
