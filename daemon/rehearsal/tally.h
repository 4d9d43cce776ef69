// Tally: the Witness of an operator's rehearsal: it counts.
//
// Lifetime     one rehearsal. Scenario and World outlive it.
// Does not     change anything that passes.
#pragma once

#include <queue>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "daemon/rehearsal/results.h"
#include "daemon/rehearsal/scenario.h"
#include "daemon/rehearsal/witness.h"
#include "daemon/rehearsal/world.h"

namespace posthaste::rehearsal {

class Tally : public Witness {
 public:
  // The last `hidden` groups of domains are not counted.
  Tally(World& world, const Scenario& scenario, std::size_t hidden);

  void on_submitted(const queue::Accept& accept);
  // A stretch of time is over; the next one begins.
  void end_stretch();
  Results results(const queue::MemoryStore& store);

  bool on_event(delivery::Event& event) override;
  bool on_action(delivery::Action& action) override;
  bool on_settle(const delivery::Persist& persist, queue::Settle& settle) override;

 private:
  struct Group {
    Tallied tallied;
    std::vector<std::uint32_t> seconds;  // from accepted to delivered
    bool offers_tls = false;
  };
  // nullptr: not counted.
  Group* group_of(const mail::Recipient& recipient);
  void count(const delivery::Settlement& settlement, const mail::Envelope& envelope, Group& group);
  void count_delivered(const delivery::Settlement& settlement, Duration needed, Group& group);
  void count_end(const delivery::Settlement& settlement, Group& group);
  void keep_late(const mail::PendingRecipient& pending, Instant accepted, bool delivered);
  void count_queued(const queue::MemoryStore& store);

  World& world_;
  const Duration late_after_;
  Results results_;
  std::vector<Group> groups_;
  std::unordered_map<std::string, std::size_t> domains_;  // to their group
  Stretch stretch_;
  std::uint64_t queued_ = 0;
  std::uint64_t open_ = 0;
  std::map<std::string, LateMail> late_;                    // by domain
  std::unordered_map<std::string, std::string> back_offs_;  // by domain: the last words
  std::map<std::pair<std::string, std::string>, Undelivered> undelivered_;
};

}  // namespace posthaste::rehearsal
