// Turns: the destinations that wait for room under one limit; first come, first served.
//
// Lifetime     its limit's; a destination leaves before it dies.
// Threads      none.
// Does not     know the limit.
#pragma once

#include <cstdint>
#include <list>

namespace posthaste::delivery {

class Destination;
struct Turn;

class Turns {
 public:
  enum class Level : std::uint8_t { kDomain, kSite };
  explicit Turns(Level level) : level_(level) {}

  bool waits(const Destination& member) const;
  bool others_wait(const Destination& member) const { return !waiting_.empty() && !waits(member); }
  bool its_turn(const Destination& member) const {
    return waiting_.empty() || waiting_.front() == &member;
  }
  void wait(Destination& member);
  // It has what it waited for, or wants it no more.
  void leave(Destination& member);
  // While has_room() holds, whoever waits is looked at, in turn and once.
  template <typename HasRoom>
  void feed(const HasRoom& has_room, Turn& turn) {
    if (feeding_) return;
    feeding_ = true;
    for (std::size_t left = waiting_.size(); left > 0 && !waiting_.empty() && has_room(); --left) {
      feed_first(turn);
    }
    feeding_ = false;
  }

 private:
  void feed_first(Turn& turn);

  const Level level_;
  bool feeding_ = false;
  std::list<Destination*> waiting_;
};

}  // namespace posthaste::delivery
