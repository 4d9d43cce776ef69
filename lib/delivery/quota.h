// Quota: what all destinations of one routing domain share: its limits, and who of them is next for
// a connection. Mail with different wishes about TLS goes over different connections, but the
// domain's hosts bear no more of us for that.
//
// Lifetime     as long as one of its destinations.
// Threads      none.
// Does not     open or close connections: destinations do.
#pragma once

#include <algorithm>
#include <deque>
#include <vector>

#include "lib/delivery/rate.h"

namespace posthaste::delivery {

class Destination;
struct Turn;

class Quota {
 public:
  explicit Quota(const Limits& limits)
      : messages(limits.message_rate), calls(limits.connection_rate) {}

  void set_limits(const Limits& limits) {
    if (messages.rate() != limits.message_rate) messages = Pace(limits.message_rate);
    if (calls.rate() != limits.connection_rate) calls = Pace(limits.connection_rate);
  }
  void join(Destination& member) { members_.push_back(&member); }
  void part(Destination& member) { std::erase(members_, &member); }
  bool empty() const { return members_.empty(); }
  const std::vector<Destination*>& members() const { return members_; }

  // A connection less is open, or more are allowed: whoever waits is looked at, in turn.
  void feed(std::size_t connections_max, Turn& turn);
  // True: it waits from now on.
  bool wait(Destination& member);
  bool waits(const Destination& member) const {
    return std::find(waiting_.begin(), waiting_.end(), &member) != waiting_.end();
  }
  bool its_turn(const Destination& member) const {
    return waiting_.empty() || waiting_.front() == &member;
  }
  bool others_wait(const Destination& member) const { return !waiting_.empty() && !waits(member); }
  void opened(const Destination& member) {
    ++connections;
    if (!waiting_.empty() && waiting_.front() == &member) waiting_.pop_front();
  }

  Pace messages;
  Pace calls;
  std::size_t connections = 0;

 private:
  std::vector<Destination*> members_;
  std::deque<Destination*> waiting_;
};

}  // namespace posthaste::delivery
