// LogFiles: the operating system as RocksDB sees it, with care for the files of the write-ahead
// log. What finds no room there goes in all the same once the ballast is thrown off. A log that
// could not be written or synced is told of, as nothing may be added to it any more, and ends with
// its last whole record.
//
// RocksDB goes over to a new log after such a failure, but not always: when it had nothing in
// memory it thinks that it is well again, and the next write to the same log runs into an assertion
// that ends the process (7.8.3: WritableFileWriter::AssertFalseAndGetStatusForPrevError). And a log
// that ends in half a record keeps the database from opening if the process dies while only some of
// the families have been written out.
//
// Lifetime     outlives the database; what is beneath it, and the ballast, outlive it.
// Threads      any.
// Does not     know logs elsewhere, which are copies in a backup.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <memory>
#include <mutex>
#include <string>

#include "queue/rocks/ballast.h"

namespace posthaste::queue {

class LogFiles final : public rocksdb::FileSystemWrapper {
 public:
  // `dir` is the database's.
  LogFiles(std::shared_ptr<rocksdb::FileSystem> beneath, std::string dir, Ballast& ballast);

  // How the newest log failed: it lacks what it was given, or nobody knows what the disk has of it.
  // OK: it did not.
  rocksdb::Status newest_failure() const;
  // What the newest log has is whole records.
  void note_whole();

  const char* Name() const override { return "posthaste.LogFiles"; }
  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override;

 private:
  class Log;
  class LogFile;
  bool is_log(const std::string& path) const;
  std::shared_ptr<Log> newest() const;

  const std::string dir_;
  Ballast& ballast_;
  mutable std::mutex mutex_;
  std::shared_ptr<Log> newest_;  // null: this process has made none
};

// `base` with these files; it outlives what is returned.
std::unique_ptr<rocksdb::Env> with_log_files(rocksdb::Env& base,
                                             const std::shared_ptr<LogFiles>& files);

}  // namespace posthaste::queue
