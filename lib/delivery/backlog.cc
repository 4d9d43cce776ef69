#include "lib/delivery/backlog.h"

#include <algorithm>
#include <utility>

#include "lib/base/check.h"

namespace posthaste::delivery {
namespace {

constexpr Duration kSweepAtMostEvery = std::chrono::minutes(1);

std::size_t index_of(const Scheduled& entry) { return static_cast<std::size_t>(entry.retry_class); }

// When a ready recipient has to be looked at, though nobody can be called: it expires, or its
// sender is to be told.
Instant limit_of(const Scheduled& entry, const Settings& settings) {
  if (entry.timed) return entry.due;
  const std::size_t index = index_of(entry);
  Duration after = settings.expire_after[index];
  if (!entry.told) after = std::min(after, settings.delay_notice_after[index]);
  return add_saturated(entry.id.time(), after);
}

}  // namespace

void Backlog::file(const Scheduled& entry) {
  if (entry.held) return append(held_, entry);
  Scheduled waiting = entry;
  waiting.due_is_limit = false;
  waiting_.push(waiting);
  ++by_class_[index_of(entry)];
}

void Backlog::note_limit(const Scheduled& entry) {
  next_limit_ = std::min(next_limit_, limit_of(entry, settings_));
}

// Whose time is up gets one attempt more before he is given up: he may have waited for us, who were
// not there, and not for the destination. Only where that is known to be down he is spared it. One
// whose letter was looked at has been through this before.
bool Backlog::is_over(const Scheduled& entry, Instant now, Instant down_at) const {
  return (entry.due_is_limit || entry.due <= down_at) && limit_of(entry, settings_) <= now;
}

void Backlog::add_ready(const Scheduled& entry, Instant now, Instant down_at) {
  if (is_over(entry, now, down_at)) return overdue_.push_back(entry);
  ready_.push_back(entry);
  note_limit(entry);
}

void Backlog::promote(Instant now, Instant down_at) {
  for (std::size_t i = 0; i < kPromotedMax; ++i) {
    if (waiting_.empty() || waiting_.front().due > now) return;
    const Scheduled entry = waiting_.pop_front();
    CHECK(by_class_[index_of(entry)] > 0);
    --by_class_[index_of(entry)];
    add_ready(entry, now, down_at);
  }
}

Instant Backlog::next_sweep() const { return std::max(next_limit_, swept_ + kSweepAtMostEvery); }

void Backlog::sweep(Instant now, Instant down_at) {
  swept_ = now;
  next_limit_ = kNever;
  if (down_at > Instant{}) {
    std::vector<Scheduled> found;
    ready_.take([&](const Scheduled& entry) { return is_over(entry, now, down_at); }, found);
    for (const Scheduled& entry : found) overdue_.push_back(entry);
  }
  ready_.for_each([&](const Scheduled& entry) { note_limit(entry); });
}

void Backlog::watch(const Batch& batch) {
  for (const Scheduled& entry : batch.entries) note_limit(entry);
}

void Backlog::review() {
  ready_.change_each([](Scheduled& entry) { entry.look_again(); });
  next_limit_ = Instant{};
}

void Backlog::spare_overdue() {
  while (!overdue_.empty()) {
    ready_.push_back(overdue_.pop_front());
    next_limit_ = Instant{};
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

void Backlog::warm_up(Batch& batch) {
  const auto untouched = static_cast<std::size_t>(
      std::count_if(batch.entries.begin(), batch.entries.end(),
                    [](const Scheduled& entry) { return entry.revision == 0; }));
  if (untouched == 0) return;
  auto letter = take_warm(batch.id(), untouched);
  if (untouched == batch.entries.size()) batch.letter = std::move(letter);
}

template <typename Line>
std::unique_ptr<Batch> Backlog::take(Line& line, std::uint32_t most) {
  CHECK(most > 0);
  if (line.empty()) return nullptr;
  auto batch = std::make_unique<Batch>();
  batch->entries = pop_message(line, most);
  warm_up(*batch);
  return batch;
}
template std::unique_ptr<Batch> Backlog::take(ReadyLanes&, std::uint32_t);
template std::unique_ptr<Batch> Backlog::take(ReadyLine&, std::uint32_t);

void Backlog::put_back(const Batch& batch) {
  for (auto entry = batch.entries.rbegin(); entry != batch.entries.rend(); ++entry) {
    ready_.push_front(*entry);
    note_limit(*entry);
  }
}

void Backlog::park(const Batch& batch) {
  for (const Scheduled& entry : batch.entries) append(parked_, entry);
}

void Backlog::unpark(Instant due) {
  for (Scheduled& entry : std::exchange(parked_, {})) {
    entry.due = due;
    entry.due_is_limit = false;
    ready_.push_back(entry);
    note_limit(entry);
  }
}

void Backlog::take(const EntryFilter& filter, Parts parts, std::vector<Scheduled>& taken) {
  const auto wanted = [&](const Scheduled& entry) { return filter.wants(entry); };
  if (parts.waiting) {
    const std::size_t before = taken.size();
    waiting_.take(wanted, taken);
    for (std::size_t i = before; i < taken.size(); ++i) --by_class_[index_of(taken[i])];
  }
  if (parts.ready) {
    ready_.take(wanted, taken);
    overdue_.take(wanted, taken);
  }
  if (parts.parked) take_wanted(parked_, wanted, taken);
  if (parts.held) take_wanted(held_, wanted, taken);
}

// Mail that its sender wants to be held back (RFC 4865) goes before its time only where it is
// named.
std::size_t Backlog::hasten(const EntryFilter& filter, Parts parts, Instant now) {
  std::size_t count = 0;
  if (parts.waiting) {
    count += waiting_.hasten(
        [&](const Scheduled& entry) {
          const bool held_back = entry.timed && entry.attempts == 0;
          return (!held_back || filter.names_messages()) && filter.wants(entry);
        },
        now);
  }
  if (parts.ready) {
    ready_.for_each([&](const Scheduled& entry) { count += filter.wants(entry) ? 1U : 0U; });
  }
  return count;
}

std::size_t Backlog::memory_bytes() const {
  return waiting_.memory_bytes() + ready_.memory_bytes() + overdue_.memory_bytes() +
         (held_.capacity() + parked_.capacity()) * sizeof(Scheduled);
}

}  // namespace posthaste::delivery
