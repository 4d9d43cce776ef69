// Letters: how any store cuts what it holds into Arrived events and bodies of limited size. Pure
// functions that the stores share, so that they agree.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "queue/store.h"

namespace posthaste::queue {

// Gives the recipients of all new mail in the batch what their records repeat of its envelope.
void repeat_envelopes(std::span<Request> batch);

bool is_note(const Request& request);
// Of a Keep or DropNote that is to be answered; else 0.
std::uint64_t note_ticket(const Request& request);

// Appends one Arrived for each shard of `accept` that `owned` says yes to, in the order of shards.
// Takes recipients and chunks out of `accept`. Letters get the body only when `accept` has all of
// it.
void append_arrivals(Accept&& accept, const std::function<bool(ShardId)>& owned,
                     std::vector<StoreEvent>& out);

// Whether the next chunk, however long it may be, fits in `max` after `loaded` bytes of the body.
bool next_chunk_fits(const mail::Envelope& envelope, std::size_t loaded, std::size_t max);

// A recipient that waits, as an event of gaining its shard.
Entry entry_of(const RecipientKey& key, const mail::PendingRecipient& pending);

// The next key that could be in use.
RecipientKey successor(const RecipientKey& key);

}  // namespace posthaste::queue
