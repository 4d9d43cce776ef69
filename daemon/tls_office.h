// TlsOffice: what a Worker does about TLS beside its connections: MTA-STS policies for the engine,
// notes of what hosts have shown, and what log, metrics and reports are told of every connection.
//
// Lifetime     its worker's.
// Threads      its worker's, but make(), which comes before the thread starts.
// Limits       a session without forward secrecy is warned of once for each of kWarnedMax hosts;
//              kRehearsalsMax at a time.
// Does not     shake hands (lib/tls), or decide anything (lib/policy, lib/delivery).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "daemon/handshake_log.h"
#include "daemon/https_fetcher.h"
#include "daemon/sts_driver.h"
#include "daemon/tls_rehearsal.h"
#include "daemon/tls_reporter.h"
#include "daemon/tls_result.h"
#include "lib/https/client.h"

namespace posthaste::daemon {

class TlsOffice {
 public:
  static constexpr std::size_t kWarnedMax = 10'000;
  static constexpr std::size_t kRehearsalsMax = 4;  // each has an engine and a copy of the memory

  struct House {
    io::Loop& loop;
    Deadlines& deadlines;
    resolver::Resolver& resolver;
    StoreThread& store;
    Metrics& metrics;
    Log& log;
    TlsReporter& reporter;
  };
  // For the engine; may come from inside any function here.
  using Tell = std::function<void(delivery::Event event)>;

  // `worker`: its number among runtime->workers. Error: the HTTPS client's.
  static Result<std::unique_ptr<TlsOffice>> make(House house,
                                                 std::shared_ptr<const Runtime> runtime,
                                                 unsigned worker, Rng rng, Tell tell);
  TlsOffice(const TlsOffice&) = delete;
  TlsOffice& operator=(const TlsOffice&) = delete;

  // What an earlier process has kept.
  void restore();
  void reconfigure(std::shared_ptr<const Runtime> runtime);
  StsDriver& sts() { return *sts_; }
  const StsDriver& sts() const { return *sts_; }

  // Whether another rehearsal may begin now.
  bool may_rehearse() const { return rehearsals_.size() < kRehearsalsMax; }
  // What the next attempt for a domain would do. `memory`: the engine's. REQUIRES may_rehearse().
  void rehearse(const RoutingDomain& domain, std::vector<delivery::Remembered> memory,
                TlsRehearsal::Done done);

  // ---- what the engine wants done
  void on(const delivery::WantSts& wanted) { sts_->want(wanted.domain); }
  void on(const delivery::FellBack& fell);
  void on(const delivery::TlsBarred& barred);
  void on(const delivery::SuspectedStrip& strip);
  void on(delivery::Remember& change);

  // ---- what a connection tells
  void on_handshake(const delivery::Connect& call, const policy::TlsFacts& facts, Duration took);
  // Mail may go over it.
  void on_ready(const delivery::Connect& call, const std::optional<policy::TlsFacts>& tls,
                const IpAddress& from);
  // TLS was not offered, was refused, or failed. `reported`: on_ready() came before.
  void on_failed(const delivery::Connect& call, policy::TlsFailure reason, std::string_view words,
                 const IpAddress& from, bool reported);

 private:
  TlsOffice(House house, std::shared_ptr<const Runtime> runtime, unsigned worker,
            std::unique_ptr<https::Client> client, Rng rng, Tell tell);
  void restore_memory(queue::NoteKind kind);
  void pass_on(delivery::Event event);
  void report(std::optional<report::TlsResult> result);
  const policy::StsPolicy* sts_policy(const RoutingDomain& domain) const;
  void warn_of_secrecy(const delivery::Connect& call, const policy::TlsFacts& facts);

  const House house_;
  std::shared_ptr<const Runtime> runtime_;
  const unsigned worker_;
  const unsigned workers_;
  const Tell tell_;
  const std::unique_ptr<https::Client> client_;
  HttpsFetcher fetcher_;
  std::unique_ptr<StsDriver> sts_;
  std::vector<std::unique_ptr<TlsRehearsal>> rehearsals_;
  std::set<std::string> warned_;  // hosts
};

}  // namespace posthaste::daemon
