#include "queue/letters.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <memory>
#include <utility>

namespace posthaste::queue {

void repeat_envelopes(std::span<Request> batch) {
  const auto repeat = [](Accept& accept) {
    for (auto& pending : accept.recipients) {
      pending.tls_wish = accept.envelope->tls_wish;
      pending.priority = accept.envelope->priority;
      pending.own_limits = mail::has_own_limits(*accept.envelope);
    }
  };
  for (Request& request : batch) {
    if (auto* accept = std::get_if<Accept>(&request)) repeat(*accept);
    if (auto* settle = std::get_if<Settle>(&request); settle && settle->dsn) repeat(*settle->dsn);
  }
}

bool is_note(const Request& request) {
  return std::holds_alternative<Keep>(request) || std::holds_alternative<DropNote>(request);
}

std::uint64_t note_ticket(const Request& request) {
  if (const auto* keep = std::get_if<Keep>(&request)) return keep->ticket;
  if (const auto* drop = std::get_if<DropNote>(&request)) return drop->ticket;
  return 0;
}

void append_arrivals(Accept&& accept, const std::function<bool(ShardId)>& owned,
                     std::vector<StoreEvent>& out) {
  std::vector<mail::PendingRecipient> all = std::move(accept.recipients);
  mail::Body body{std::move(accept.chunks)};
  if (!body.complete(*accept.envelope)) body.chunks.clear();
  const auto by_shard = [](const auto& a, const auto& b) { return a.shard < b.shard; };
  if (!std::is_sorted(all.begin(), all.end(), by_shard)) {
    std::stable_sort(all.begin(), all.end(), by_shard);
  }
  for (auto first = all.begin(); first != all.end();) {
    const ShardId shard = first->shard;
    const auto last =
        std::find_if(first, all.end(), [shard](const auto& r) { return r.shard != shard; });
    if (owned(shard)) {
      auto letter = std::make_shared<mail::Letter>();
      letter->envelope = accept.envelope;
      letter->recipients.assign(std::make_move_iterator(first), std::make_move_iterator(last));
      letter->body = body;
      out.push_back(Arrived{shard, std::move(letter)});
    }
    first = last;
  }
}

bool next_chunk_fits(const mail::Envelope& envelope, std::size_t loaded, std::size_t max) {
  const std::uint64_t left = envelope.body_bytes > loaded ? envelope.body_bytes - loaded : 0;
  return loaded + std::min<std::uint64_t>(left, mail::kChunkBytesMax) <= max;
}

Entry entry_of(const RecipientKey& key, const mail::PendingRecipient& pending) {
  const mail::Progress& progress = pending.progress;
  return Entry{.shard = key.shard,
               .id = key.id,
               .number = key.number,
               .revision = progress.revision,
               .attempts = progress.attempts,
               .due = progress.due,
               .domain = mail::routing_domain(pending.recipient.address),
               .retry_class = progress.retry_class,
               .tls_wish = pending.tls_wish,
               .priority = pending.priority,
               .held = progress.held,
               .own_limits = pending.own_limits};
}

RecipientKey successor(const RecipientKey& key) {
  if (key.number != std::numeric_limits<std::uint16_t>::max()) {
    return {key.shard, key.id, static_cast<std::uint16_t>(key.number + 1)};
  }
  return {key.shard, MessageId{key.id.value + 1}, 0};
}

}  // namespace posthaste::queue
