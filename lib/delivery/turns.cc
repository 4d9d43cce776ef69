#include "lib/delivery/turns.h"

#include "lib/delivery/destination.h"

namespace posthaste::delivery {

bool Turns::waits(const Destination& member) const { return member.waits_at(level_); }

void Turns::wait(Destination& member) {
  if (waits(member)) return;
  member.set_waits_at(level_, true);
  waiting_.push_back(&member);
}

void Turns::leave(Destination& member) {
  if (!waits(member)) return;
  member.set_waits_at(level_, false);
  if (waiting_.front() == &member) {
    waiting_.pop_front();
  } else {
    waiting_.remove(&member);
  }
}

// Who still waits then, does so for the worker's limit too, and is woken by that.
void Turns::feed_first(Turn& turn) {
  Destination& first = *waiting_.front();
  first.drain(turn);
  if (waiting_.empty() || waiting_.front() != &first) return;
  leave(first);  // it does not want one any more, or not now
  first.drain(turn);
}

}  // namespace posthaste::delivery
