// Ledger: what memory holds of the queue beside the schedule: how many recipients of a message are
// left, which messages are still arriving, what is to be removed. It takes back what a refused
// write had changed.
//
// Lifetime     one store, from open to close.
// Threads      none: the store thread.
// Limits       docs/queue-format.md, "What memory keeps of it".
// Does not     read or write the database.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "lib/base/ids.h"
#include "queue/rocks/live_table.h"

namespace posthaste::queue {

class Ledger {
 public:
  // Messages of one recipient that are remembered at most.
  static constexpr std::size_t kFreshMax = std::size_t{1} << 18;

  // Body chunks 0 to chunks - 1 of a message that never was, to be deleted with the next write.
  struct Garbage {
    MessageId id;
    std::uint16_t chunks = 0;
  };

  // Each commit begins, and is then kept or undone. Changes between commits stay.
  void begin();
  void keep();
  // Messages that were arriving and had a part in the commit are forgotten, and their chunks become
  // garbage.
  void undo();

  std::optional<Live> live(MessageId id) const { return live_.find(id); }
  void set_live(MessageId id, Live live);
  void drop_live(MessageId id);
  // Counts a recipient that is in no shard but must keep its message: a corrupt one that was set
  // aside.
  void hold(MessageId id);
  bool room_for_fresh() const { return fresh_ < kFreshMax; }

  // How many chunks were appended; nullopt: the message is not arriving.
  std::optional<std::uint16_t> arriving(MessageId id) const;
  void set_arriving(MessageId id, std::uint16_t chunks);
  void stop_arriving(MessageId id);

  const std::vector<Garbage>& garbage() const { return garbage_; }

  // Old messages that had no recipient left as far as the scan had come.
  void note_perhaps_ended(MessageId id) { perhaps_ended_.push_back(id); }
  const std::vector<MessageId>& perhaps_ended() const { return perhaps_ended_; }
  void clear_perhaps_ended() { perhaps_ended_.clear(); }

  void raise_last_id(MessageId id) { last_id_ = std::max(last_id_, id); }
  MessageId last_id() const { return last_id_; }
  bool last_id_stored() const { return last_id_ == stored_last_id_; }

  std::size_t tracked() const { return live_.size(); }
  std::size_t tracked_bytes() const { return live_.bytes(); }

 private:
  struct LiveBefore {
    MessageId id;
    std::optional<Live> live;
  };
  struct ArrivingBefore {
    MessageId id;
    std::uint16_t chunks = 0;
  };

  void replace_live(MessageId id, const std::optional<Live>& before,
                    const std::optional<Live>& after);
  void remember_live(MessageId id, const std::optional<Live>& live);
  void remember_arriving(MessageId id);

  LiveTable live_;
  std::size_t fresh_ = 0;
  std::unordered_map<MessageId, std::uint16_t> arriving_;
  std::vector<Garbage> garbage_;
  std::vector<MessageId> perhaps_ended_;
  MessageId last_id_;
  MessageId stored_last_id_;

  bool in_commit_ = false;
  std::vector<LiveBefore> live_before_;  // of this commit, oldest change first
  std::vector<ArrivingBefore> arriving_before_;
  std::size_t perhaps_ended_before_ = 0;
};

}  // namespace posthaste::queue
