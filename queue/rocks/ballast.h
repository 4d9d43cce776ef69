// Ballast: room on the queue's disk that is held for the worst day. When a write fails because the
// disk is full to its last byte, the ballast is thrown off, so that what becomes of mail can be
// stored; when there is room again, it is taken in again.
//
// Lifetime     one store; the file stays in the queue's directory from run to run.
// Threads      any; one that throws it off while it is taken in waits for that.
// Limits       RocksOptions::ballast_bytes; 0: there is none.
// Does not     take room below the floor: then the disk is nearly full already.
#pragma once

#include <rocksdb/env.h>

#include <cstdint>
#include <mutex>
#include <string>

#include "queue/rocks/rocks_store.h"

namespace posthaste::queue {

class Ballast {
 public:
  // `env` outlives it.
  Ballast(rocksdb::Env& env, const RocksOptions& options);

  // Takes it in if there is none and `free_space` allows.
  void take_in(std::uint64_t free_space);
  // False: there was none.
  bool throw_off();
  bool there() const;

 private:
  rocksdb::Status make() const;
  void say(LogLevel level, const std::string& words) const;

  rocksdb::Env& env_;
  const std::string path_;
  const std::uint64_t bytes_;
  const std::uint64_t floor_;  // RocksOptions::min_free_space
  const LogFunction log_;
  mutable std::mutex mutex_;
  bool there_ = false;
  bool impossible_ = false;  // the file system reserves no room
};

}  // namespace posthaste::queue
