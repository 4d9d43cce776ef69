// Quota: what all destinations of one routing domain share: its limits, and who of them is next for
// a connection. Mail with different wishes about TLS goes over different connections, but the
// domain's hosts bear no more of us for that.
//
// Lifetime     as long as one of its destinations.
// Threads      none.
// Does not     open or close connections: destinations do.
#pragma once

#include <vector>

#include "lib/delivery/rate.h"
#include "lib/delivery/turns.h"

namespace posthaste::delivery {

class Quota {
 public:
  explicit Quota(const Limits& limits)
      : messages(limits.message_rate), calls(limits.connection_rate) {
    connections_max_ = limits.connections;
  }

  void set_limits(const Limits& limits) {
    connections_max_ = limits.connections;
    if (messages.rate() != limits.message_rate) messages = Pace(limits.message_rate);
    if (calls.rate() != limits.connection_rate) calls = Pace(limits.connection_rate);
  }
  void join(Destination& member) { members_.push_back(&member); }
  void part(Destination& member) {
    turns.leave(member);
    std::erase(members_, &member);
  }
  bool empty() const { return members_.empty(); }
  const std::vector<Destination*>& members() const { return members_; }
  bool has_room() const { return connections < connections_max_; }
  // A connection less is open, or more are allowed.
  void feed(Turn& turn) {
    turns.feed([this] { return has_room(); }, turn);
  }

  Pace messages;
  Pace calls;
  std::size_t connections = 0;
  Turns turns{Turns::Level::kDomain};

 private:
  std::vector<Destination*> members_;
  std::uint32_t connections_max_ = 0;
};

}  // namespace posthaste::delivery
