// Backlog: the recipients of one destination that are not under way: waiting for their due time,
// ready, or past their expiry; and the letters that are still warm from their arrival.
//
// Memory       40 bytes an entry at most; warm letters within Options::warm_bytes_max of the whole
//              worker.
// Cost         O(log entries) per entry filed or promoted; a sweep for expired ones O(ready), once
//              a minute at most.
// Does not     settle anybody.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <unordered_map>

#include "lib/delivery/batch.h"
#include "lib/delivery/schedule.h"
#include "lib/delivery/settings.h"

namespace posthaste::delivery {

class Backlog {
 public:
  // `warm_bytes` is the worker's account of warm letters; outlives the backlog.
  explicit Backlog(std::size_t& warm_bytes) : warm_bytes_(warm_bytes) {}
  ~Backlog() { cool(); }
  Backlog(const Backlog&) = delete;
  Backlog& operator=(const Backlog&) = delete;

  // A recipient that is to be tried at its due time.
  void file(const Scheduled& entry);
  // Takes the first attempt of `recipients` of the letter from memory. `bytes` is this
  // destination's share of it.
  void keep_warm(std::shared_ptr<const mail::Letter> letter, std::size_t recipients,
                 std::size_t bytes);
  // Lets go of all warm letters: it will take longer, and others need the memory.
  void cool();

  // Moves what is due to the ready line, or among the expired. `down`: the destination is failing;
  // while it is not, nobody expires without a last attempt.
  void promote(Instant now, const Settings& settings, bool down);
  // Finds those that expired in the ready line.
  void sweep(Instant now, const Settings& settings, bool down);

  // At most `most` recipients of the message at the front. Null: there is none. The batch may come
  // with its letter. REQUIRES most > 0.
  std::unique_ptr<Batch> take_ready(std::uint32_t most);
  std::unique_ptr<Batch> take_expired(std::uint32_t most);
  // Back to the front of the ready line.
  void put_back(const Batch& batch);

  std::size_t waiting() const { return waiting_.size(); }
  std::size_t ready() const { return ready_.size() + expired_.size(); }
  bool has_ready() const { return !ready_.empty(); }
  bool has_expired() const { return !expired_.empty(); }
  // The next due time; kNever: nobody waits.
  Instant next_due() const { return waiting_.empty() ? kNever : waiting_.top().due; }
  // When sweep() is worth its while; kNever: nobody is ready.
  Instant next_sweep(const Settings& settings) const;
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
  std::unique_ptr<Batch> take(ReadyLine& line, std::uint32_t most);
  void add_ready(const Scheduled& entry);
  std::shared_ptr<const mail::Letter> take_warm(MessageId id, std::size_t recipients);

  WaitingHeap waiting_;
  ReadyLine ready_;
  ReadyLine expired_;
  std::array<std::uint64_t, policy::kRetryClasses> by_class_{};
  std::unordered_map<MessageId, Warm> warm_;
  std::size_t& warm_bytes_;
  Instant oldest_ready_ = kNever;  // arrival; nobody in the ready line is older
  Instant swept_;
};

}  // namespace posthaste::delivery
