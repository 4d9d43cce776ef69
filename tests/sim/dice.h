// Dice: the Conduct of a host in a simulation: proper, but for the faults that are drawn.
//
// Lifetime     one connection. The host's traits may change meanwhile.
#pragma once

#include <string>

#include "daemon/rehearsal/conduct.h"
#include "tests/sim/reception.h"
#include "tests/sim/scenario.h"

namespace posthaste::sim {

class Dice : public rehearsal::Conduct {
 public:
  Dice(World& world, const Host& host, Reception& reception)
      : world_(world), host_(host), reception_(reception) {}

  rehearsal::Deed at(rehearsal::Turn turn, std::string_view subject) override;
  bool knows_ehlo() override { return !(host_.helo_only && world_.faults()); }
  bool offers_starttls() override;
  bool offers_enhanced_codes() override { return world_.rng().chance(0.5); }
  bool injects() override { return world_.fault(0.01); }
  policy::TlsFailure handshake_failure(std::string_view profile) override;
  Duration handshake_time(bool fails) override;
  Certificate certificate() override { return host_.certificate; }
  Duration pause() override;
  std::optional<Duration> patience() override;
  void on_gone() override;

 private:
  rehearsal::Deed misdeed(double more);
  rehearsal::Deed at_content();

  World& world_;
  const Host& host_;
  Reception& reception_;
  bool received_ = false;
  std::string sender_;
};

}  // namespace posthaste::sim
