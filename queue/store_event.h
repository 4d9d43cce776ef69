// StoreEvent: what a store answers, and what it tells by itself.
//
// Does not     say what was asked. See request.h, and store.h for the whole.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "lib/base/ids.h"
#include "lib/base/names.h"
#include "lib/base/result.h"
#include "lib/base/time.h"
#include "lib/mail/envelope.h"
#include "lib/mail/pending.h"
#include "queue/request.h"

namespace posthaste::queue {

struct Accepted {
  std::uint64_t ticket;
  MessageId id;
};
struct Refused {
  std::uint64_t ticket;
  MessageId id;
  bool full;
  std::string words;
};
// `applied`: the fates that counted, as they were asked for.
struct Settled {
  ShardId shard;
  MessageId id;
  std::vector<Fate> applied;
};
// The fates whose revision was no longer the stored one, or whose recipient is gone; nothing was
// changed for them.
struct Superseded {
  ShardId shard;
  MessageId id;
  std::vector<std::uint16_t> numbers;
};
// Handed back, to be repeated. When commit() returns true all the same: the recipients could not be
// read for now, and only this one was not stored.
struct NotSettled {
  Settle request;
  bool full;
  std::string words;
};
struct Loaded {
  std::uint64_t ticket;
  MessageId id;
  std::shared_ptr<mail::Letter> letter;
};
struct NotLoaded {
  std::uint64_t ticket;
  ShardId shard;
  MessageId id;
  Error error;
};  // kNotFound; kCorrupt: was set aside, will not come again; kIo: may be read another time
struct Gained {
  ShardId shard;
  std::uint64_t epoch;
};
struct Entry {
  ShardId shard;
  MessageId id;
  std::uint16_t number;
  std::uint32_t revision;
  std::uint32_t attempts;
  Instant due;
  RoutingDomain domain;
  std::string retry_class;
  mail::TlsWish tls_wish = mail::TlsWish::kPolicy;
  std::int8_t priority = 0;
  bool held = false;
  bool own_limits = false;  // as in mail::PendingRecipient
};
struct GainedAll {
  ShardId shard;
};
// A message's recipients of one shard, accepted after the shard was gained. Shares what Accept was
// given; the body is empty when a part of it was appended before.
struct Arrived {
  ShardId shard;
  std::shared_ptr<mail::Letter> letter;
};
// They answer a Keep or DropNote with a ticket. Kept: it survives a power cut.
struct Kept {
  std::uint64_t ticket;
};
struct NotKept {
  std::uint64_t ticket;
  std::string words;
};
struct Losing {
  ShardId shard;
  Instant until;
};
struct Lost {
  ShardId shard;
};
using StoreEvent =
    std::variant<Accepted, Refused, Settled, Superseded, NotSettled, Loaded, NotLoaded, Gained,
                 Entry, GainedAll, Arrived, Kept, NotKept, Losing, Lost>;

}  // namespace posthaste::queue
