#include "lib/delivery/turns.h"

#include "lib/delivery/destination.h"

namespace posthaste::delivery {
namespace {

// Of those who wait with connections of their own. With more of them, who has fewest of all is
// found in time, since they are looked at in turn.
constexpr std::size_t kCompared = 8;

bool is_needy(const Destination& member) { return member.connections() == 0; }

}  // namespace

bool Turns::waits(const Destination& member) const { return member.place_at(level_).waits; }

Destination* Turns::first() const {
  if (!needy_.empty()) return needy_.front();
  Destination* first = nullptr;
  std::size_t compared = 0;
  for (Destination* one : others_) {
    if (first == nullptr || one->connections() < first->connections()) first = one;
    if (++compared == kCompared) break;
  }
  return first;
}

bool Turns::its_turn(const Destination& member) const {
  const Destination* first = this->first();
  return first == nullptr || first == &member || (needy_.empty() && is_needy(member));
}

Turns::Claim Turns::claim_on(const Destination& holder) {
  if (!needy_.empty()) {
    if (expected_ >= needy_.size()) return Claim::kNone;
    return holder.connections() > 1 ? Claim::kAtOnce : Claim::kInTime;
  }
  if (expected_ >= others_.size()) return Claim::kNone;
  if (first()->connections() + 1 < holder.connections()) return Claim::kInTime;
  others_.splice(others_.end(), others_, others_.begin());
  return Claim::kNone;
}

void Turns::wait(Destination& member) {
  Place& place = member.place_at(level_);
  if (place.waits && place.needy == is_needy(member)) return;
  leave(member);
  place.waits = true;
  place.needy = is_needy(member);
  auto& line = place.needy ? needy_ : others_;
  place.at = line.insert(line.end(), &member);
}

void Turns::leave(Destination& member) {
  Place& place = member.place_at(level_);
  if (!place.waits) return;
  place.waits = false;
  (place.needy ? needy_ : others_).erase(place.at);
}

// False: for want of something else nobody here gets on; that wakes them when it comes.
bool Turns::feed_first(Turn& turn) {
  Destination& first = *this->first();
  first.drain(turn);
  if (this->first() != &first) return true;
  if (level_ != Level::kWorker && first.place_at(Level::kWorker).waits) return false;
  leave(first);  // it does not want one any more, or not now
  first.drain(turn);
  return true;
}

}  // namespace posthaste::delivery
