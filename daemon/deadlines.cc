#include "daemon/deadlines.h"

namespace posthaste::daemon {

Deadlines::Deadlines(io::Loop& loop) : loop_(loop), timer_(loop, [this] { on_timer(); }) {}

void Deadlines::watch(Item& item) {
  const Instant when = item.deadline();
  if (when >= item.queued_) return;  // the heap looks early enough
  if (item.key_ == 0) {
    item.key_ = ++last_key_;
    items_.emplace(item.key_, &item);
  }
  item.queued_ = when;
  heap_.push({when, item.key_});
  arm();
}

void Deadlines::forget(Item& item) {
  if (item.key_ != 0) items_.erase(item.key_);
  item.key_ = 0;
  item.queued_ = kNever;
}

void Deadlines::on_timer() {
  armed_ = kNever;
  const Instant now = loop_.now();
  while (!heap_.empty() && heap_.top().when <= now) {
    const Slot slot = heap_.top();
    heap_.pop();
    const auto found = items_.find(slot.key);
    if (found == items_.end()) continue;
    Item& item = *found->second;
    if (item.queued_ != slot.when) continue;  // an older slot of an item that was pushed anew
    item.queued_ = kNever;
    if (item.deadline() <= now) item.on_deadline();
    const auto alive = items_.find(slot.key);
    if (alive != items_.end()) watch(*alive->second);
  }
  arm();
}

void Deadlines::arm() {
  const Instant next = heap_.empty() ? kNever : heap_.top().when;
  if (next >= armed_) return;
  armed_ = next;
  timer_.set(next);
}

}  // namespace posthaste::daemon
