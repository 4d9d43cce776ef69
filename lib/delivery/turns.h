// Turns: the destinations that wait for room under one limit. Who has no connection at all goes
// first, first come, first served; then those who could use more than they have, who has few
// before who has many.
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
  enum class Level : std::uint8_t { kDomain, kSite, kWorker };
  static constexpr std::size_t kLevels = 3;
  // What whoever waits may expect of one that has a connection.
  enum class Claim : std::uint8_t {
    kNone,
    kInTime,  // that it gives the connection up when that has been worth its while
    kAtOnce,  // with the next message
  };
  // A destination's, one for each level.
  struct Place {
    bool waits = false;
    bool needy = false;
    std::list<Destination*>::iterator at;
  };

  explicit Turns(Level level) : level_(level) {}

  bool empty() const { return needy_.empty() && others_.empty(); }
  bool waits(const Destination& member) const;
  bool others_wait(const Destination& member) const { return !empty() && !waits(member); }
  bool its_turn(const Destination& member) const;
  // Connections are shared out evenly and then left where they are: nobody has a claim who would
  // end up with more of them than `holder`.
  Claim claim_on(const Destination& holder);
  void wait(Destination& member);
  // It has what it waited for, or wants it no more.
  void leave(Destination& member);
  // A connection is on its way out, and then closed: nobody else need give up one for that waiter.
  void expect() { ++expected_; }
  void came() { --expected_; }
  std::size_t expected() const { return expected_; }
  // While has_room() holds, whoever waits is looked at, in turn and once.
  template <typename HasRoom>
  void feed(const HasRoom& has_room, Turn& turn) {
    if (feeding_) return;
    feeding_ = true;
    std::size_t left = needy_.size() + others_.size();
    while (left > 0 && !empty() && has_room() && feed_first(turn)) --left;
    feeding_ = false;
  }

 private:
  Destination* first() const;
  bool feed_first(Turn& turn);

  const Level level_;
  std::size_t expected_ = 0;
  bool feeding_ = false;
  std::list<Destination*> needy_;
  std::list<Destination*> others_;
};

}  // namespace posthaste::delivery
