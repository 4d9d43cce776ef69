#include "queue/rocks/room.h"

namespace posthaste::queue {
namespace {

// What stays free of the disk, beside what a commit takes itself.
constexpr std::uint64_t kRoomToWrite = std::uint64_t{4} << 20;
// Who looks more seldom does not know what was between.
constexpr auto kLooksApartMax = std::chrono::seconds(10);

}  // namespace

Room::Room(const Database& database, const RocksOptions& options)
    : database_(database), options_(options) {
  look();
}

bool Room::look() {
  const std::optional<std::uint64_t> told = free_now();
  if (!told) return true;  // the write itself will tell
  const std::uint64_t free = *told;
  const Clock::time_point now = Clock::now();
  if (!enough(free) || now - looked_ > kLooksApartMax) enough_since_ = now;
  looked_ = now;
  free_space_ = free;
  const bool full = free < options_.min_free_space;
  if (full_.exchange(full) != full) {
    // To go on after a full disk, RocksDB has to write out first what it has in memory. Better now,
    // if it is not too late for that.
    if (full && free >= in_memory() && enough(free - in_memory())) empty_memtables();
    say(full ? "the disk of the queue is nearly full: new mail is refused"
             : "the disk of the queue has room again: new mail is accepted");
  }
  if (!full) database_.ballast().take_in(free);
  return !full;
}

std::optional<std::uint64_t> Room::free_now() const {
  std::uint64_t free = 0;
  if (!database_.db().GetEnv()->GetFreeSpace(options_.dir, &free).ok()) return std::nullopt;
  return free;
}

std::uint64_t Room::in_memory() const {
  std::uint64_t bytes = 0;
  database_.db().GetAggregatedIntProperty(rocksdb::DB::Properties::kCurSizeAllMemTables, &bytes);
  return bytes;
}

// After a full disk RocksDB waits for as much as a memtable.
bool Room::enough(std::uint64_t free) const {
  return free >= options_.body_memtable_bytes + kRoomToWrite;
}

// RocksDB should not be the one who finds out: what is in memory is written out then before it goes
// on, and when nothing is, its log is lost to us (log_files.h). Between this look and the write
// somebody else may still take the room; the log has the ballast for that.
bool Room::has_for(std::size_t bytes) {
  const auto has = [&] {
    const auto free = free_now();
    return !free || *free >= bytes + kRoomToWrite;
  };
  return !full_ || has() || (database_.ballast().throw_off() && has());
}

void Room::make_some() {
  const auto free = free_now();
  if (!free || !enough(*free)) database_.ballast().throw_off();
}

void Room::empty_memtables() const {
  rocksdb::FlushOptions how;
  how.wait = false;
  how.allow_write_stall = true;  // else it would wait, for what the flush is to prevent
  for (const Family family : kAllFamilies) {
    database_.db().Flush(how, database_.family(family)).PermitUncheckedError();
  }
}

void Room::say(std::string_view words) const {
  if (options_.log) options_.log(LogLevel::kWarning, words);
}

}  // namespace posthaste::queue
