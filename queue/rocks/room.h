// Room: how much the queue's disk has left, and what is done while there is little of it: new mail
// is refused below the floor, memory is written out while that can be done, and the ballast goes
// when there is none at all.
//
// Lifetime     one store; the database outlives it.
// Threads      the store thread; full() and free_space() from any.
// Limits       RocksOptions::min_free_space, ballast_bytes.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "queue/rocks/database.h"

namespace posthaste::queue {

class Room {
 public:
  using Clock = std::chrono::steady_clock;

  // `options` outlive it, too.
  Room(const Database& database, const RocksOptions& options);

  // Looks. True: new mail may be taken.
  bool look();
  // For a write of so many bytes, perhaps without the ballast.
  bool has_for(std::size_t bytes);
  // RocksDB has found none.
  void make_some();
  // What RocksDB has in memory is written out. Does not wait for it.
  void empty_memtables() const;
  // RocksDB has had as much room as it wants to go on by itself, for so long, as far as we looked.
  Clock::duration enough_for() const { return looked_ - enough_since_; }

  bool full() const { return full_; }  // at the latest look, below the floor
  std::uint64_t free_space() const { return free_space_; }

 private:
  std::optional<std::uint64_t> free_now() const;  // nullopt: the disk does not tell
  std::uint64_t in_memory() const;
  bool enough(std::uint64_t free) const;
  void say(std::string_view words) const;

  const Database& database_;
  const RocksOptions& options_;
  std::atomic<bool> full_{false};
  std::atomic<std::uint64_t> free_space_{0};
  Clock::time_point looked_ = Clock::now();
  Clock::time_point enough_since_ = looked_;
};

}  // namespace posthaste::queue
