// TlsRehearsal: what the next attempt for a domain would do about TLS, found out by doing it: an
// engine of its own tries a message that does not exist. DNS and MTA-STS tell it what is published
// now, and of every call it is told that nobody answers, so that it goes on to the next host.
//
// Lifetime     its worker's at most; over() once Done was called.
// Threads      its worker's.
// Limits       kPatience, and kHostsMax addresses.
// Does not     connect to anybody, send, store, learn.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/deadlines.h"
#include "lib/delivery/engine.h"
#include "lib/resolver/resolver.h"

namespace posthaste::daemon {

class TlsRehearsal final : public Deadlines::Item {
 public:
  static constexpr Duration kPatience = std::chrono::seconds(8);
  static constexpr std::uint32_t kHostsMax = 50;

  // In the order in which hosts would be called, as long as nobody answers.
  struct Call {
    std::string host;
    Endpoint endpoint;
    std::string offer;  // a profile, or "plaintext"
    policy::TlsLevel level = policy::TlsLevel::kMay;
    policy::TlsSource source = policy::TlsSource::kOperator;
  };
  struct Outcome {
    delivery::TlsView found;
    std::vector<Call> calls;
    std::string words;  // why nobody could be called, or what was waited for; else empty
  };
  struct House {
    io::Loop& loop;
    Deadlines& deadlines;
    resolver::Resolver& resolver;
  };
  using WantSts = std::function<void(const RoutingDomain& domain)>;  // answered by on_sts()
  using Done = std::function<void(const Outcome& outcome)>;

  TlsRehearsal(House house, delivery::Options options, RoutingDomain domain, WantSts want_sts,
               Done done);
  ~TlsRehearsal() override;

  // `memory`: what the hosts have shown before.
  void begin(std::vector<delivery::Remembered> memory);
  void on_sts(const delivery::StsKnown& known);
  bool over() const { return over_; }

  Instant deadline() const override;
  void on_deadline() override;

 private:
  void handle(delivery::Event event);
  void carry_out(delivery::Action& action);
  void look_up(const dns::Question& question);
  void call(const delivery::Connect& connect);
  void look_at_plan();
  void note_barred(const delivery::TlsBarred& barred);
  void end(std::string words);

  const House house_;
  const RoutingDomain domain_;
  const WantSts want_sts_;
  const Done done_;
  const Instant give_up_;
  delivery::Engine engine_;
  std::vector<delivery::Event> events_;
  Outcome outcome_;
  bool handling_ = false;
  bool over_ = false;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace posthaste::daemon
