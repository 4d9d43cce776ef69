#include "daemon/tls_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <algorithm>
#include <array>

namespace posthaste::daemon {
namespace {

using policy::TlsFailure;
using policy::TlsFailureKind;
using policy::TlsLevel;
using policy::TlsSource;
using Counter = prometheus::Counter;
using Counters = prometheus::Family<prometheus::Counter>;

constexpr std::array<std::string_view, 2> kDirections{"inbound", "outbound"};
constexpr std::array<std::string_view, 2> kModes{"starttls", "implicit"};
constexpr std::array<TlsFailure, 5> kBars{TlsFailure::kDaneLookup, TlsFailure::kDaneRequired,
                                          TlsFailure::kStsMxMismatch, TlsFailure::kSuspectedStrip,
                                          TlsFailure::kRequireTlsMissing};

std::string str(std::string_view text) { return std::string(text); }
std::string_view name(Direction direction) {
  return kDirections[static_cast<std::size_t>(direction)];
}
std::string_view name(TlsMode mode) { return kModes[static_cast<std::size_t>(mode)]; }
std::string_view yes_or_no(bool value) { return value ? "yes" : "no"; }

Counters& counters(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

// All but kNone.
template <typename Visit>
void for_each_failure(Visit&& visit) {
  for (int reason = 1; reason < policy::kTlsFailures; ++reason) {
    visit(static_cast<TlsFailure>(reason));
  }
}

// Which levels a source can have put in force: see policy::judge_tls.
bool can_ask_for(TlsSource source, TlsLevel level) {
  switch (source) {
    case TlsSource::kOperator: return true;
    case TlsSource::kDane:
      return level == TlsLevel::kDane || level == TlsLevel::kDaneOnly ||
             level == TlsLevel::kEncrypt;
    case TlsSource::kMtaSts:
    case TlsSource::kRequireTls: return level == TlsLevel::kVerify;
  }
  return false;
}

}  // namespace

struct TlsMetrics::State {
  explicit State(prometheus::Registry& to) : registry(to) {
    for (std::size_t d = 0; d < kDirections.size(); ++d) {
      handshake_time[d] =
          &seconds.Add({{"direction", str(kDirections[d])}},
                       prometheus::Histogram::BucketBoundaries{.001, .0025, .005, .01, .025, .05,
                                                               .1, .25, .5, 1, 2.5, 5, 10, 30});
      insecure[d] = &no_forward_secrecy.Add({{"direction", str(kDirections[d])}});
      for (const bool resumed : {false, true}) {
        // The most usual one: so that the share of resumed sessions can be asked for from the
        // start.
        session(kDirections[d], "TLSv1.3", "TLS_AES_256_GCM_SHA384", "none", resumed);
      }
    }
    for_each_failure([&](TlsFailure reason) {
      const auto kind = policy::kind(reason);
      const bool opens_plaintext =
          kind != TlsFailureKind::kLocal && kind != TlsFailureKind::kPolicy;
      if (opens_plaintext) fallback("starttls", "plaintext", reason);
    });
    for (std::size_t s = 0; s < policy::kTlsSources; ++s) add_levels(static_cast<TlsSource>(s));
    for (const TlsFailure reason : kBars) bars.Add({{"reason", str(label(reason))}});
    for (std::size_t p = 0; p < policy::sts::kProblems; ++p) {
      sts_failures.Add({{"problem", str(label(static_cast<policy::sts::Problem>(p)))}});
    }
    for (const bool success : {true, false}) {
      report_results.Add({{"result", success ? "success" : "failure"}});
      reports.Add({{"result", success ? "sent" : "failed"}});
    }
  }

  void add_levels(TlsSource source) {
    for (std::size_t l = 0; l < policy::kTlsLevels; ++l) {
      const auto level = static_cast<TlsLevel>(l);
      if (!can_ask_for(source, level)) continue;
      for (const bool met : {true, false}) policy(source, level, met);
    }
  }

  void know_profile(std::string_view direction, std::string_view profile) {
    for (const auto mode : kModes) {
      handshake(direction, mode, profile, "ok", TlsFailure::kNone);
      for_each_failure(
          [&](TlsFailure reason) { handshake(direction, mode, profile, "failed", reason); });
    }
  }

  void know_ladder(const policy::Ladder& ladder) {
    for (std::size_t rung = 0; rung < ladder.size(); ++rung) {
      for_each_failure([&](TlsFailure reason) {
        const auto next = next_rung(ladder, rung, reason);
        if (next) fallback(ladder[rung].name, ladder[*next].name, reason);
      });
    }
  }

  Counter& handshake(std::string_view direction, std::string_view mode, std::string_view profile,
                     std::string_view result, TlsFailure reason) {
    return handshakes.Add({{"direction", str(direction)},
                           {"mode", str(mode)},
                           {"profile", str(profile)},
                           {"result", str(result)},
                           {"reason", str(label(reason))}});
  }
  Counter& session(std::string_view direction, std::string_view version, std::string_view cipher,
                   std::string_view auth, bool resumed) {
    return sessions.Add({{"direction", str(direction)},
                         {"version", str(version)},
                         {"cipher", str(cipher)},
                         {"auth", str(auth)},
                         {"resumed", str(yes_or_no(resumed))}});
  }
  Counter& fallback(std::string_view from, std::string_view to, TlsFailure reason) {
    return fallbacks.Add({{"from", str(from)}, {"to", str(to)}, {"reason", str(label(reason))}});
  }
  Counter& policy(TlsSource source, TlsLevel level, bool met) {
    return policies.Add({{"source", str(policy::name(source))},
                         {"level", str(policy::name(level))},
                         {"result", met ? "met" : "not_met"}});
  }

  prometheus::Registry& registry;
  Counters& handshakes =
      counters(registry, "posthaste_tls_handshakes_total",
               "TLS handshakes, and sessions that had none though it was wanted, by result and "
               "reason");
  prometheus::Family<prometheus::Histogram>& seconds =
      prometheus::BuildHistogram()
          .Name("posthaste_tls_handshake_seconds")
          .Help("Time from the first handshake byte to a session that is up")
          .Register(registry);
  Counters& sessions = counters(registry, "posthaste_tls_sessions_total",
                                "TLS sessions that came up, by what they are");
  Counters& no_forward_secrecy =
      counters(registry, "posthaste_tls_without_forward_secrecy_total",
               "TLS sessions whose key exchange gives no forward secrecy");
  Counters& fallbacks = counters(registry, "posthaste_tls_fallbacks_total",
                                 "Steps down that the policy allowed, and that brought a session");
  Counters& policies =
      counters(registry, "posthaste_tls_policy_total",
               "Outbound sessions by where their TLS level came from and whether it was met");
  Counters& bars = counters(registry, "posthaste_tls_barred_total",
                            "Hosts that policy did not let us call, by reason");
  Counter& strips = counters(registry, "posthaste_tls_suspected_strips_total",
                             "Hosts that have shown verified TLS before and now offered none")
                        .Add({});
  Counters& sts_failures =
      counters(registry, "posthaste_sts_failures_total",
               "MTA-STS policies that could not be had, or had again, by problem");
  Counter& sts_fetches =
      counters(registry, "posthaste_sts_fetches_total", "MTA-STS policies asked for over HTTPS")
          .Add({});
  Counters& report_results = counters(registry, "posthaste_tls_report_results_total",
                                      "Sessions counted for TLS reports (RFC 8460)");
  Counters& reports =
      counters(registry, "posthaste_tls_reports_total", "TLS reports sent, and those given up");

  std::array<prometheus::Histogram*, 2> handshake_time{};
  std::array<Counter*, 2> insecure{};
};

TlsMetrics::TlsMetrics(prometheus::Registry& registry)
    : state_(std::make_unique<State>(registry)) {}
TlsMetrics::~TlsMetrics() = default;

void TlsMetrics::know(const Vocabulary& vocabulary) {
  state_->know_profile(name(Direction::kInbound), vocabulary.inbound_profile);
  for (const auto& profile : vocabulary.outbound_profiles) {
    state_->know_profile(name(Direction::kOutbound), profile);
  }
  for (const auto& ladder : vocabulary.ladders) state_->know_ladder(ladder);
}

void TlsMetrics::up(Direction direction, TlsMode mode, const policy::TlsFacts& facts,
                    Duration took) {
  const auto d = static_cast<std::size_t>(direction);
  state_->handshake(kDirections[d], name(mode), facts.profile, "ok", TlsFailure::kNone).Increment();
  state_->handshake_time[d]->Observe(std::chrono::duration<double>(took).count());
  state_
      ->session(kDirections[d], facts.version, facts.cipher, facts.verified ? "verified" : "none",
                facts.resumed)
      .Increment();
  if (!facts.forward_secret) state_->insecure[d]->Increment();
}

void TlsMetrics::failed(Direction direction, TlsMode mode, std::string_view profile,
                        TlsFailure reason) {
  state_->handshake(name(direction), name(mode), profile, "failed", reason).Increment();
}

void TlsMetrics::fell_back(std::string_view from, std::string_view to, TlsFailure reason) {
  state_->fallback(from, to, reason).Increment();
}

void TlsMetrics::demanded(const policy::TlsDemand& demand, bool met) {
  state_->policy(demand.source, demand.level, met).Increment();
}

void TlsMetrics::barred(TlsFailure reason) {
  state_->bars.Add({{"reason", str(label(reason))}}).Increment();
}

void TlsMetrics::suspected_strip() { state_->strips.Increment(); }
void TlsMetrics::sts_failed(policy::sts::Problem problem) {
  state_->sts_failures.Add({{"problem", str(label(problem))}}).Increment();
}
void TlsMetrics::sts_fetched() { state_->sts_fetches.Increment(); }
void TlsMetrics::counted_for_report(bool success) {
  state_->report_results.Add({{"result", success ? "success" : "failure"}}).Increment();
}
void TlsMetrics::report_sent(bool success) {
  state_->reports.Add({{"result", success ? "sent" : "failed"}}).Increment();
}

}  // namespace posthaste::daemon
