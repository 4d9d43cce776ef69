// Prober: calls every mail host of a domain, with TLS as our policy wants it, and sends no mail.
//
// Each address is called as the daemon would: rung by rung where a handshake fails, each on a new
// connection, at most policy::kHandshakesMax. Where a certificate was not accepted it is called
// once more, and any certificate will do, so that chain and names can be seen.
//
// Lifetime     until it has told its end, once; its owner may end it in that call, and not before.
// Threads      the loop's.
// Limits       kAtOnce addresses at a time.
// Does not     remember what it finds, or begin where the daemon would by what it remembers.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <tuple>
#include <vector>

#include "daemon/tool/probe_call.h"
#include "daemon/tool/probe_search.h"

namespace posthaste::daemon::tool {

class Prober {
 public:
  static constexpr std::size_t kAtOnce = 8;
  using Teller = std::function<void(const ProbeReport& report)>;

  // REQUIRES that what `tools` names outlives it.
  Prober(ProbeSearch::Tools tools, RoutingDomain domain, Teller tell);
  void begin();

 private:
  // One address on its way down the ladder.
  struct Visit {
    const ProbedHost& host;
    ProbedAddress& address;
    std::size_t rung = 0;
    std::size_t handshakes = 0;
    std::unique_ptr<ProbeCall> call = nullptr;
  };

  void on_found(ProbeReport report);
  void drain();
  void call(Visit& visit, bool observing);
  void on_called(Visit& visit, ProbedCall called);
  void end(Visit& visit);
  Result<tls::ClientContext*> context(const policy::TlsProfile& profile,
                                      const policy::TlsDemand& demand);

  io::Loop& loop_;
  const delivery::Options& options_;
  const Teller tell_;
  ProbeSearch search_;
  ProbeReport report_;
  std::vector<std::unique_ptr<Visit>> visits_;  // the last one is the next
  std::vector<std::unique_ptr<Visit>> under_way_;
  std::map<std::tuple<std::string, policy::TrustStore, policy::ClientIdentity>,
           std::unique_ptr<tls::ClientContext>>
      contexts_;
};

}  // namespace posthaste::daemon::tool
