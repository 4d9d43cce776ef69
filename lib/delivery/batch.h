// Batch: recipients of one message in one destination that are tried together, from the moment they
// leave the ready line until their fates are known.
//
// Lifetime     owned by its destination (staged, doomed) or by a connection (under way), by one at
//              a time.
// Does not     outlive a Load that it waits for: see Loads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/delivery/schedule.h"
#include "lib/delivery/trouble.h"
#include "lib/mail/pending.h"

namespace posthaste::delivery {

class Destination;
struct SteerOrder;

// A fate that is decided before the message is at hand.
struct Doom {
  enum class Kind : std::uint8_t {
    kTrouble,   // deferred or bounced, as `trouble` says
    kOverdue,   // past a time limit; `trouble` is what the destination last suffered from, for
                // those that were never tried
    kStranded,  // likewise, and `trouble` is what its site's hosts made of another domain's attempt
    kSteered,   // as the operator wants it in `order`
  };
  Kind kind = Kind::kTrouble;
  Trouble trouble;
  std::shared_ptr<SteerOrder> order = nullptr;
};

struct Batch {
  Destination* destination = nullptr;
  std::vector<Scheduled> entries;              // not empty; one message, one shard
  std::shared_ptr<const mail::Letter> letter;  // null: not loaded yet
  bool loading = false;
  std::uint32_t hops = 0;  // how many connections were lost under it
  std::optional<Doom> doom;

  MessageId id() const { return entries.front().id; }
  ShardId shard() const { return entries.front().shard; }
  void look_again() {
    for (Scheduled& entry : entries) entry.look_again();
  }
  std::vector<std::uint16_t> numbers() const;
};

// What the letter knows of recipient `number`; null: it is gone.
const mail::PendingRecipient* find_recipient(const mail::Letter& letter, std::uint16_t number);
// The schedule's entry of a recipient as it is stored.
Scheduled scheduled_of(const mail::PendingRecipient& pending, const mail::Envelope& envelope);

}  // namespace posthaste::delivery
