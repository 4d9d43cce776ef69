// What the operator wants done with a destination's mail: taken out of the schedule at once, and
// made durable afterwards, batch by batch, on the way that doomed batches take.
#include <algorithm>
#include <iterator>
#include <utility>

#include "lib/base/check.h"
#include "lib/delivery/destination.h"

namespace posthaste::delivery {
namespace {

using State = Selection::State;

bool among(State wanted, State state) { return wanted == State::kAny || wanted == state; }

bool keeps(SteerVerb verb) { return verb == SteerVerb::kHold || verb == SteerVerb::kRelease; }

}  // namespace

// Of the parts that the selection names, those on which the verb has an effect.
Backlog::Parts Destination::parts_for(SteerVerb verb, State state) const {
  Backlog::Parts parts;
  if (verb != SteerVerb::kRelease) {
    parts.waiting = among(state, State::kWaiting);
    parts.ready = among(state, stands_still() ? State::kSuspended : State::kReady);
    parts.parked = among(state, State::kSuspended);
  }
  const bool wants_held = verb != SteerVerb::kHold && verb != SteerVerb::kRetry;
  parts.held = wants_held && among(state, State::kHeld);
  return parts;
}

void Destination::steer(const std::shared_ptr<SteerOrder>& order, const Selection& selection,
                        Turn& turn) {
  const EntryFilter filter(selection);
  const Backlog::Parts parts = parts_for(order->verb, selection.state);
  if (order->verb == SteerVerb::kRetry) {
    if (parts.ready) put_back_staged();
    return hasten(*order, filter, parts, turn);
  }
  if (parts.ready) doom_staged(order, filter, turn);
  std::vector<Scheduled> taken;
  backlog_.take(filter, parts, taken);
  if (parts.held) take_from_orders(filter, taken);
  order->progress.matched += taken.size();
  order->progress.left += taken.size();
  if (!taken.empty()) {
    steered_.push_back({order, WaitingHeap(std::move(taken)), Instant{}});
  }
  drain(turn);
}

void Destination::hasten(SteerOrder& order, const EntryFilter& filter, Backlog::Parts parts,
                         Turn& turn) {
  const std::size_t count = backlog_.hasten(filter, parts, turn.now);
  if (count == 0) return;
  order.progress.matched += count;
  backed_off_until_ = Instant{};
  ask_tls_from_ = Instant{};
  drain(turn);
}

void Destination::put_back_staged() {
  for (std::size_t i = staged_.size(); i-- > 0;) {
    if (!staged_[i]->loading) backlog_.put_back(*unstage(i));
  }
}

// What an earlier order has on its way into or out of the held ones, and nobody has begun with.
void Destination::take_from_orders(const EntryFilter& filter, std::vector<Scheduled>& taken) {
  for (SteeredEntries& steered : steered_) {
    if (!keeps(steered.order->verb)) continue;
    const std::size_t before = taken.size();
    steered.entries.take([&](const Scheduled& entry) { return filter.wants(entry); }, taken);
    steered.order->progress.left -= taken.size() - before;
  }
  std::erase_if(steered_, [](const SteeredEntries& steered) { return steered.entries.empty(); });
}

// A batch that is wanted as a whole needs its letter for this, too. Of others the wanted part goes,
// unless the letter is on its way to all of them: then they count as under way.
void Destination::doom_staged(const std::shared_ptr<SteerOrder>& order, const EntryFilter& filter,
                              Turn& turn) {
  for (const auto& batch : doomed_) {
    for (const Scheduled& entry : batch->entries) {
      order->progress.under_way += filter.wants(entry) ? 1U : 0U;
    }
  }
  for (std::size_t i = staged_.size(); i-- > 0;) {
    const auto& entries = staged_[i]->entries;
    const auto count = static_cast<std::size_t>(std::count_if(
        entries.begin(), entries.end(), [&](const auto& entry) { return filter.wants(entry); }));
    if (count < entries.size()) {
      if (staged_[i]->loading) order->progress.under_way += count;
      continue;
    }
    order->progress.matched += count;
    order->progress.left += count;
    steered_in_hand_ += count;
    doom(unstage(i), Doom{Doom::Kind::kSteered, {}, order}, turn);
  }
  put_back_staged();
}

// As much of the operator's orders as may be in hand at a time.
void Destination::carry_out(Turn& turn) {
  while (!steered_.empty() && doomed_.size() < kDoomedMax && steered_in_hand_ < kSteeredMax) {
    SteeredEntries& first = steered_.front();
    if (turn.now < first.not_before) {
      blocked_until_ = std::min(blocked_until_, first.not_before);
      return;
    }
    auto batch = std::make_unique<Batch>();
    batch->entries = pop_message(first.entries, settings_.limits.recipients_per_message);
    backlog_.warm_up(*batch);
    const auto order = first.order;
    if (first.entries.empty()) steered_.erase(steered_.begin());
    steered_in_hand_ += batch->entries.size();
    doom(std::move(batch), Doom{Doom::Kind::kSteered, {}, order}, turn);
  }
}

// It is no longer in hand: durable, or gone from the store.
void Destination::carried_out(SteerOrder& order) {
  CHECK(order.progress.left > 0 && steered_in_hand_ > 0);
  --order.progress.left;
  --steered_in_hand_;
}

// The store could not be read: the order stands, and is carried out later.
void Destination::carry_out_later(const Batch& batch, Instant when) {
  CHECK(batch.doom && batch.doom->order);
  steered_in_hand_ -= batch.entries.size();
  steered_.push_back({batch.doom->order, WaitingHeap(batch.entries), when});
}

std::uint64_t Destination::held() const {
  std::uint64_t count = backlog_.held();
  for (const SteeredEntries& steered : steered_) {
    if (keeps(steered.order->verb)) count += steered.entries.size();
  }
  return count;
}

std::uint64_t Destination::in_flight() const {
  std::uint64_t count = in_flight_;
  for (const SteeredEntries& steered : steered_) {
    if (!keeps(steered.order->verb)) count += steered.entries.size();
  }
  return count;
}

}  // namespace posthaste::delivery
