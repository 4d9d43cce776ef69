#include "lib/delivery/quota.h"

#include "lib/delivery/destination.h"

namespace posthaste::delivery {

void Quota::feed(std::size_t connections_max, Turn& turn) {
  // Each once: who still waits then, does so for the worker's limit too, and is woken by that.
  for (std::size_t left = waiting_.size();
       left > 0 && !waiting_.empty() && connections < connections_max; --left) {
    Destination* first = waiting_.front();
    first->drain(turn);
    if (waiting_.empty() || waiting_.front() != first) continue;
    waiting_.pop_front();  // it does not want one any more, or not now
    first->drain(turn);
  }
}

// Alone, a destination has nobody to wait for but itself.
bool Quota::wait(Destination& member) {
  if (members_.size() < 2 || waits(member)) return false;
  waiting_.push_back(&member);
  return true;
}

}  // namespace posthaste::delivery
