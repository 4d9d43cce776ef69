// Reception: what a provider remembers of us over all connections to its hosts: whom it has put on
// its grey list, and how much of us it has had of late.
//
// Lifetime     the seed's. Does nothing any more when the faults are over.
// Does not     speak SMTP: see dice.h.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/rehearsal/conduct.h"
#include "tests/sim/scenario.h"

namespace posthaste::sim {

class Reception {
 public:
  Reception(World& world, const Provider& provider) : world_(world), provider_(provider) {}

  bool down() const { return world_.faults() && provider_.weather == Weather::kDown; }
  // A connection is there; nullopt: it is welcome.
  std::optional<rehearsal::Deed> at_greeting();
  void on_gone() { --connections_; }
  std::optional<rehearsal::Deed> at_mail();
  std::optional<rehearsal::Deed> at_rcpt(const std::string& sender, std::string_view recipient);

 private:
  bool defers() const { return world_.faults() && provider_.weather == Weather::kDefers; }
  rehearsal::Deed enough() const;

  World& world_;
  const Provider& provider_;
  unsigned connections_ = 0;
  std::deque<Duration> messages_;  // begun within the last minute
  std::map<std::string, Duration> first_seen_;
};

}  // namespace posthaste::sim
