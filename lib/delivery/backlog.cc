#include "lib/delivery/backlog.h"

#include <algorithm>
#include <utility>

#include "lib/base/check.h"

namespace posthaste::delivery {
namespace {

constexpr Duration kSweepAtMostEvery = std::chrono::minutes(1);

std::size_t index_of(const Scheduled& entry) { return static_cast<std::size_t>(entry.retry_class); }

// Whose time is up gets one attempt more before he is given up: he may have waited for us, who were
// not there, and not for the destination. Only where that is known to be down he is spared it.
bool has_expired(const Scheduled& entry, Instant now, const Settings& settings, bool down) {
  if (!down) return false;
  return add_saturated(entry.id.time(), settings.expire_after[index_of(entry)]) <= now;
}

}  // namespace

void Backlog::file(const Scheduled& entry) {
  waiting_.push(entry);
  ++by_class_[index_of(entry)];
}

void Backlog::add_ready(const Scheduled& entry) {
  ready_.push_back(entry);
  oldest_ready_ = std::min(oldest_ready_, entry.id.time());
}

void Backlog::promote(Instant now, const Settings& settings, bool down) {
  while (!waiting_.empty() && waiting_.top().due <= now) {
    const Scheduled entry = waiting_.pop();
    CHECK(by_class_[index_of(entry)] > 0);
    --by_class_[index_of(entry)];
    if (delivery::has_expired(entry, now, settings, down)) {
      expired_.push_back(entry);
    } else {
      add_ready(entry);
    }
  }
}

Instant Backlog::next_sweep(const Settings& settings) const {
  if (ready_.empty()) return kNever;
  return std::max(add_saturated(oldest_ready_, settings.expire_after_least),
                  swept_ + kSweepAtMostEvery);
}

void Backlog::sweep(Instant now, const Settings& settings, bool down) {
  swept_ = now;
  oldest_ready_ = kNever;
  for (std::size_t left = ready_.size(); left > 0; --left) {
    const Scheduled entry = ready_.pop_front();
    if (delivery::has_expired(entry, now, settings, down)) {
      expired_.push_back(entry);
    } else {
      add_ready(entry);
    }
  }
}

void Backlog::keep_warm(std::shared_ptr<const mail::Letter> letter, std::size_t recipients,
                        std::size_t bytes) {
  const MessageId id = letter->envelope->id;
  const bool added = warm_.try_emplace(id, Warm{std::move(letter), recipients, bytes}).second;
  if (added) warm_bytes_ += bytes;
}

void Backlog::cool() {
  for (const auto& [id, warm] : warm_) warm_bytes_ -= warm.bytes;
  warm_.clear();
}

std::shared_ptr<const mail::Letter> Backlog::take_warm(MessageId id, std::size_t recipients) {
  const auto found = warm_.find(id);
  if (found == warm_.end()) return nullptr;
  auto letter = found->second.letter;
  found->second.recipients_left -= std::min(found->second.recipients_left, recipients);
  if (found->second.recipients_left == 0) {
    warm_bytes_ -= found->second.bytes;
    warm_.erase(found);
  }
  return letter;
}

std::unique_ptr<Batch> Backlog::take(ReadyLine& line, std::uint32_t most) {
  CHECK(most > 0);
  if (line.empty()) return nullptr;
  auto batch = std::make_unique<Batch>();
  batch->entries.push_back(line.pop_front());
  const Scheduled first = batch->entries.front();
  while (batch->entries.size() < most && !line.empty() && line.front().id == first.id &&
         line.front().shard == first.shard) {
    batch->entries.push_back(line.pop_front());
  }
  if (first.attempts == 0 && !warm_.empty()) {
    batch->letter = take_warm(first.id, batch->entries.size());
  }
  return batch;
}

std::unique_ptr<Batch> Backlog::take_ready(std::uint32_t most) { return take(ready_, most); }
std::unique_ptr<Batch> Backlog::take_expired(std::uint32_t most) { return take(expired_, most); }

void Backlog::put_back(const Batch& batch) {
  for (auto entry = batch.entries.rbegin(); entry != batch.entries.rend(); ++entry) {
    ready_.push_front(*entry);
    oldest_ready_ = std::min(oldest_ready_, entry->id.time());
  }
}

std::size_t Backlog::memory_bytes() const {
  return waiting_.memory_bytes() + ready_.memory_bytes() + expired_.memory_bytes();
}

}  // namespace posthaste::delivery
