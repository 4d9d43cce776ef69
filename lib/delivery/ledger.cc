#include "lib/delivery/ledger.h"

#include <algorithm>

#include "lib/base/check.h"

namespace posthaste::delivery {

void Loads::add(Batch& batch) {
  CHECK(!batch.loading);
  batch.loading = true;
  by_id_[batch.id()].push_back(&batch);
  ++count_;
}

Batch* Loads::remove(MessageId id, std::size_t index) {
  const auto found = by_id_.find(id);
  Batch* batch = found->second[index];
  found->second.erase(found->second.begin() + static_cast<std::ptrdiff_t>(index));
  if (found->second.empty()) by_id_.erase(found);
  --count_;
  batch->loading = false;
  return batch;
}

Batch* Loads::take(MessageId id, const mail::Letter& letter) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return nullptr;
  const auto& batches = found->second;
  // Two batches of one message have no recipient in common, so any recipient tells which one it is.
  for (std::size_t i = 0; i < batches.size() && !letter.recipients.empty(); ++i) {
    const auto& entries = batches[i]->entries;
    const std::uint16_t number = letter.recipients.front().recipient.number;
    if (std::any_of(entries.begin(), entries.end(),
                    [&](const auto& e) { return e.number == number; })) {
      return remove(id, i);
    }
  }
  return remove(id, 0);
}

Batch* Loads::take_first(MessageId id, ShardId shard) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return nullptr;
  for (std::size_t i = 0; i < found->second.size(); ++i) {
    if (found->second[i]->shard() == shard) return remove(id, i);
  }
  return nullptr;
}

void Unsettled::add(MessageId id, std::uint16_t number, Fate fate) {
  CHECK(fates_.try_emplace(Key{id, number}, std::move(fate)).second);
}

std::optional<Unsettled::Fate> Unsettled::take(MessageId id, std::uint16_t number) {
  const auto found = fates_.find(Key{id, number});
  if (found == fates_.end()) return std::nullopt;
  Fate fate = std::move(found->second);
  fates_.erase(found);
  return fate;
}

}  // namespace posthaste::delivery
