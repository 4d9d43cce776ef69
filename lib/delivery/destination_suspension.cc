// What the operator has suspended: a destination that stands still, and mail of senders that is
// parked until they may send again. No attempt is counted for either, and nobody expires by it.
#include <algorithm>

#include "lib/delivery/destination.h"

namespace posthaste::delivery {

void Destination::heed_suspensions(Turn& turn) {
  if (stands_still() && still_until_ <= turn.now) move_again(turn.now);
  if (backlog_.parked() > 0 && parked_until_ <= turn.now) unpark(turn.now);
  const policy::Suspensions& all = *shared_.suspensions;
  if (!all.empty()) {
    const policy::Suspension* suspension = all.of_domain(domain_, turn.now);
    if (suspension != nullptr) stand_still(*suspension, suspension->until, turn);
  }
  if (stands_still()) put_back_staged();
}

// What is in flight finishes; nothing is begun until `until`, when it is looked at again.
void Destination::stand_still(const policy::Suspension& suspension, Instant until, Turn& turn) {
  const bool stood = stands_still();
  suspension_ = &suspension;
  still_until_ = until;
  if (stood) return;
  for (const auto& [id, connection] : shared_.connections) {
    if (connection->owner == this) retire(*connection, turn);
  }
  put_back_staged();
  backlog_.cool();
}

// Its mail may have come to the end of its time meanwhile, and through no fault of the
// destination's: it counts as one that has not failed, so that nobody expires without an attempt.
void Destination::move_again(Instant now) {
  suspension_ = nullptr;
  still_until_ = Instant{};
  failures_ = 0;
  backed_off_until_ = Instant{};
  afresh_from_ = now;
}

// Nothing more is begun on that connection.
void Destination::retire(Connection& connection, Turn& turn) {
  if (connection.state == Connection::State::kOpening ||
      connection.state == Connection::State::kFree) {
    leave(connection, turn);
  }
  connection.stale = true;
}

void Destination::on_suspensions_changed(Instant now) {
  if (stands_still()) move_again(now);
  if (backlog_.parked() > 0) unpark(now);
}

// Others of the destination's mail were not parked, so its back-off stands. Who comes to the end of
// his time in it does not end before the next attempt has failed, too.
void Destination::unpark(Instant now) {
  backlog_.unpark(std::max(now, backed_off_until_));
  parked_until_ = kNever;
}

// True: the batch is not to be delivered just now, and is parked. REQUIRES its letter.
bool Destination::try_park(const Batch& batch, Turn& turn) {
  const policy::Suspensions& all = *shared_.suspensions;
  if (!all.has_senders()) return false;
  const auto* suspension = all.of_sender(batch.letter->envelope->sender.text(), turn.now);
  if (suspension == nullptr) return false;
  backlog_.park(batch);
  parked_until_ = std::min(parked_until_, suspension->until);
  return true;
}

std::uint64_t Destination::suspended() const {
  return backlog_.parked() + (stands_still() ? backlog_.ready() + staged_entries_ : 0);
}

void Destination::add_suspension_to(DestinationView& view) const {
  view.suspended += suspended();
  if (!stands_still() || suspension_->until < view.suspended_until) return;
  view.suspended_until = suspension_->until;
  view.suspended_words = std::string(policy::name(suspension_->kind)) + " " + suspension_->pattern;
  if (!suspension_->words.empty()) view.suspended_words += ": " + suspension_->words;
}

}  // namespace posthaste::delivery
