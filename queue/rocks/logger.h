// Logger: RocksDB's own words, handed to our log.
//
// Always ours, never RocksDB's file logger: when the disk is full, that one runs into an assertion
// of Debian's build (WritableFileWriter::AssertFalseAndGetStatusForPrevError) and takes the process
// with it.
#pragma once

#include <rocksdb/env.h>

#include "queue/rocks/rocks_store.h"

namespace posthaste::queue {

class Logger final : public rocksdb::Logger {
 public:
  explicit Logger(LogFunction log);
  using rocksdb::Logger::Logv;
  void Logv(rocksdb::InfoLogLevel level, const char* format, va_list arguments) override;
  void Logv(const char* format, va_list arguments) override;
  void LogHeader(const char* format, va_list arguments) override;

 private:
  const LogFunction log_;
};

}  // namespace posthaste::queue
