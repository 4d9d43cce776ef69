// Backlog: the recipients of one destination that are not under way: waiting for their due time,
// ready, past a time limit, held, or parked because their sender is suspended; and the letters that
// are still warm from their arrival.
//
// Memory       40 bytes an entry at most; warm letters within Options::warm_bytes_max of the whole
//              worker.
// Cost         O(log entries) per entry filed or promoted; a sweep of the ready line O(ready), once
//              a minute at most; limits that change O(ready); what the operator wants O(entries).
// Limits       kPromotedMax entries come to be ready in one call.
// Does not     settle anybody.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <unordered_map>

#include "lib/delivery/batch.h"
#include "lib/delivery/entry_filter.h"
#include "lib/delivery/ready_lanes.h"
#include "lib/delivery/schedule.h"
#include "lib/delivery/settings.h"

namespace posthaste::delivery {

// Millions that fall due at one moment are taken in turns, so that nobody else has to wait for it.
inline constexpr std::size_t kPromotedMax = 20'000;

class Backlog {
 public:
  // `warm_bytes` is the worker's account of warm letters. Both outlive the backlog.
  Backlog(const Settings& settings, std::size_t& warm_bytes)
      : settings_(settings), warm_bytes_(warm_bytes) {}
  ~Backlog() { cool(); }
  Backlog(const Backlog&) = delete;
  Backlog& operator=(const Backlog&) = delete;

  // A recipient that is to be tried at its due time, or is held.
  void file(const Scheduled& entry);
  // Takes the first attempt of `recipients` of the letter from memory. `bytes` is this
  // destination's share of it.
  void keep_warm(std::shared_ptr<const mail::Letter> letter, std::size_t recipients,
                 std::size_t bytes);
  // Lets go of all warm letters: it will take longer, and others need the memory.
  void cool();
  // Gives the batch its letter where that is warm. It is as it was when the message arrived, so no
  // good as soon as one of them has had a fate since.
  void warm_up(Batch& batch);

  // Moves what is due to the ready line, or among those past a limit. `down_at`: when it was last
  // seen that nobody can be reached there; the epoch: it is not so. Who became due after that does
  // not expire without an attempt, or before somebody else's has failed.
  void promote(Instant now, Instant down_at);
  // Finds those in the ready line that are past a limit.
  void sweep(Instant now, Instant down_at);
  // These have left the ready line and are not under way: their limits count for next_sweep().
  void watch(const Batch& batch);
  // Those that are past a limit can be tried after all.
  void spare_overdue();
  // The time limits of the settings have changed.
  void review();

  // At most `most` recipients of the message at the front. Null: there is none. The batch may come
  // with its letter. REQUIRES most > 0.
  std::unique_ptr<Batch> take_ready(std::uint32_t most) { return take(ready_, most); }
  std::unique_ptr<Batch> take_overdue(std::uint32_t most) { return take(overdue_, most); }
  // Back to the front of the ready line.
  void put_back(const Batch& batch);

  void park(const Batch& batch);
  // All of them are ready again, and not before `due` does it count as a failure towards them that
  // nobody can be reached.
  void unpark(Instant due);

  // ---- as the operator wants it
  struct Parts {
    bool waiting = false, ready = false, parked = false, held = false;
  };
  // Moves the wanted ones to the end of `taken`.
  void take(const EntryFilter& filter, Parts parts, std::vector<Scheduled>& taken);
  // The wanted ones of those that wait are due now. How many are wanted, of those that are ready
  // too.
  std::size_t hasten(const EntryFilter& filter, Parts parts, Instant now);

  std::size_t waiting() const { return waiting_.size(); }
  std::size_t ready() const { return ready_.size() + overdue_.size(); }
  std::size_t parked() const { return parked_.size(); }
  std::size_t held() const { return held_.size(); }
  bool empty() const { return waiting() == 0 && ready() == 0 && parked() == 0 && held() == 0; }
  bool has_ready() const { return !ready_.empty(); }
  bool has_overdue() const { return !overdue_.empty(); }
  // The next due time; kNever: nobody waits.
  Instant next_due() const { return waiting_.empty() ? kNever : waiting_.front().due; }
  // When sweep() is worth its while. REQUIRES that somebody is ready, or watched.
  Instant next_sweep() const;
  const std::vector<Scheduled>& entries_waiting() const { return waiting_.entries(); }
  const std::array<std::uint64_t, policy::kRetryClasses>& waiting_by_class() const {
    return by_class_;
  }
  std::size_t memory_bytes() const;

 private:
  struct Warm {
    std::shared_ptr<const mail::Letter> letter;
    std::size_t recipients_left;
    std::size_t bytes;
  };
  template <typename Line>
  std::unique_ptr<Batch> take(Line& line, std::uint32_t most);
  bool is_over(const Scheduled& entry, Instant now, Instant down_at) const;
  void add_ready(const Scheduled& entry, Instant now, Instant down_at);
  void note_limit(const Scheduled& entry);
  // Null: it is not warm.
  std::shared_ptr<const mail::Letter> take_warm(MessageId id, std::size_t recipients);

  const Settings& settings_;
  WaitingHeap waiting_;
  ReadyLanes ready_;
  ReadyLine overdue_;
  std::vector<Scheduled> held_;
  std::vector<Scheduled> parked_;
  std::array<std::uint64_t, policy::kRetryClasses> by_class_{};
  std::unordered_map<MessageId, Warm> warm_;
  std::size_t& warm_bytes_;
  Instant next_limit_ = kNever;  // nobody who is ready or watched has a limit before
  Instant swept_;
};

}  // namespace posthaste::delivery
