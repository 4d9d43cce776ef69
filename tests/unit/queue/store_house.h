// StoreHouse: a store under test that can be restarted, and messages to put into it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "queue/memory_store.h"
#include "queue/rocks/rocks_store.h"
#include "queue/store.h"

namespace posthaste::queue {

// A directory of its own in /dev/shm or TMPDIR, removed with all it holds.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class StoreHouse {
 public:
  virtual ~StoreHouse() = default;
  virtual Store& store() = 0;
  virtual void restart() = 0;
};

std::unique_ptr<StoreHouse> memory_house();
// Restarts by closing and opening.
std::unique_ptr<StoreHouse> closing_rocks_house();
// Restarts by opening a copy of the directory that is made while the store is open: what a kill
// leaves.
std::unique_ptr<StoreHouse> killed_rocks_house();

// Without sync, small memtables, no floor of free space, no ballast.
RocksOptions small_options(std::string dir);
// Copies until nothing changed meanwhile.
void copy_directory(const std::string& from, const std::string& to);

// ---- messages -----------------------------------------------------------------------------------
struct To {
  ShardId shard = 0;
  std::uint16_t number = 0;
};
MessageId id_at(std::uint64_t millisecond, std::uint64_t sequence = 0);
mail::PendingRecipient recipient_to(To to);
// A message of which all chunks are given. Its content depends on its id.
Accept make_accept(MessageId id, const std::vector<To>& to, std::size_t body_bytes = 100,
                   std::uint64_t ticket = 7);
// The same, with all chunks but the last taken out into Appends. REQUIRES more than one chunk.
std::vector<Append> take_appends(Accept& accept);
Accept with_wish(Accept accept, mail::TlsWish wish);
mail::HistoryEvent event_of(mail::HistoryKind kind, std::string words);

Fate delivered(std::uint16_t number, std::uint32_t revision = 0);
Fate bounced(std::uint16_t number, std::uint32_t revision);
Fate deferred(std::uint16_t number, std::uint32_t revision, std::string words = "451 4.3.0 later");
Settle make_settle(ShardId shard, MessageId id, std::vector<Fate> fates);

// ---- conversations ------------------------------------------------------------------------------
std::vector<StoreEvent> commit(Store& store, std::vector<Request> batch);
// Without the Gained of the first call.
std::vector<StoreEvent> commit_one(Store& store, Request request);
std::vector<StoreEvent> gain_all(Store& store, std::size_t records = 3);
std::vector<ListedRecipient> list_all(const Store& store);

// "key=value until <microseconds>"
std::vector<std::string> rendered_notes(const Store& store, NoteKind kind, Instant now);

template <typename Kind>
std::vector<Kind> only(const std::vector<StoreEvent>& events) {
  std::vector<Kind> found;
  for (const StoreEvent& event : events) {
    if (const auto* kind = std::get_if<Kind>(&event)) found.push_back(*kind);
  }
  return found;
}

// One line that says all that is in the event, for comparing; error words are left out.
std::string render(const StoreEvent& event);
std::string render(const mail::PendingRecipient& pending);

}  // namespace posthaste::queue
