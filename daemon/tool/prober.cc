#include "daemon/tool/prober.h"

#include <algorithm>
#include <array>
#include <utility>

#include "lib/policy/tls_ladder.h"

namespace posthaste::daemon::tool {
namespace {

using policy::TlsFailure;

// Nothing is asked of the certificate. Everything that the hello says stays as it was.
std::shared_ptr<const policy::TlsDemand> observing_only(const policy::TlsDemand& demand) {
  auto made = std::make_shared<policy::TlsDemand>(demand);
  made->authentication = policy::TlsAuthentication::kNone;
  made->names.clear();
  made->records.clear();
  made->ocsp = policy::OcspStapling::kIgnore;
  return made;
}

bool of_certificate(TlsFailure failure) {
  constexpr std::array kOfCertificate{
      TlsFailure::kCertSelfSigned,  TlsFailure::kCertUntrusted,    TlsFailure::kCertExpired,
      TlsFailure::kCertNotYetValid, TlsFailure::kCertHostMismatch, TlsFailure::kCertWrongPurpose,
      TlsFailure::kCertRevoked,     TlsFailure::kCertWeak,         TlsFailure::kDaneNoMatch};
  return std::find(kOfCertificate.begin(), kOfCertificate.end(), failure) != kOfCertificate.end();
}

}  // namespace

Prober::Prober(ProbeSearch::Tools tools, RoutingDomain domain, Teller tell)
    : loop_(tools.loop),
      options_(tools.options),
      tell_(std::move(tell)),
      search_(std::move(tools), std::move(domain),
              [this](ProbeReport report) { on_found(std::move(report)); }) {}

void Prober::begin() { search_.begin(); }

void Prober::on_found(ProbeReport report) {
  report_ = std::move(report);
  for (auto& host : report_.hosts) {
    for (auto& address : host.addresses) {
      visits_.push_back(std::make_unique<Visit>(Visit{.host = host, .address = address}));
    }
  }
  std::reverse(visits_.begin(), visits_.end());
  drain();
}

void Prober::drain() {
  while (!visits_.empty() && under_way_.size() < kAtOnce) {
    under_way_.push_back(std::move(visits_.back()));
    visits_.pop_back();
    Visit& visit = *under_way_.back();
    // Where no mail may go the host can still be looked at.
    call(visit, visit.host.tls->barred != TlsFailure::kNone);
  }
  if (!under_way_.empty()) return;
  const Teller tell = tell_;  // may end us
  tell(report_);
}

void Prober::call(Visit& visit, bool observing) {
  const delivery::HostTls& tls = *visit.host.tls;
  ProbeCall::Order order{.to = {visit.host.name, visit.address.endpoint},
                         .helo = options_.helo,
                         .timeouts = options_.timeouts,
                         .implicit_tls = tls.policy.connect == policy::TlsConnect::kImplicit,
                         .demand = observing ? observing_only(*tls.demand) : tls.demand,
                         .observing = observing};
  if (tls.demand->level != policy::TlsLevel::kNone) {
    const policy::TlsProfile& profile = tls.ladder[visit.rung];
    const auto made = context(profile, *tls.demand);
    order.profile = profile.name;
    if (!made) {
      on_called(visit, {.profile = order.profile,
                        .observing = observing,
                        .stage = smtp::Stage::kHandshake,
                        .failure = TlsFailure::kLocalError,
                        .words = made.error().words});
      return;
    }
    order.context = *made;
    ++visit.handshakes;
  }
  visit.call = std::make_unique<ProbeCall>(
      loop_, std::move(order),
      [this, &visit](ProbedCall call) { on_called(visit, std::move(call)); });
}

void Prober::on_called(Visit& visit, ProbedCall called) {
  visit.address.calls.push_back(std::move(called));
  const ProbedCall& last = visit.address.calls.back();
  const auto rung = policy::next_rung(visit.host.tls->ladder, visit.rung, last.failure);
  if (last.observing) return end(visit);
  if (of_certificate(last.failure)) return call(visit, true);
  if (rung && visit.handshakes < policy::kHandshakesMax) {
    visit.rung = *rung;
    return call(visit, false);
  }
  end(visit);
}

void Prober::end(Visit& visit) {
  loop_.defer([this, &visit] {
    std::erase_if(under_way_, [&](const auto& each) { return each.get() == &visit; });
    drain();
  });
}

// A context for itself, so that no session is resumed that the daemon has made.
Result<tls::ClientContext*> Prober::context(const policy::TlsProfile& profile,
                                            const policy::TlsDemand& demand) {
  auto& kept = contexts_[{profile.name, demand.trust, demand.identity}];
  if (kept == nullptr) {
    auto made = tls::ClientContext::make(profile, demand.trust, demand.identity);
    if (!made) return tl::unexpected(made.error());
    kept = std::move(*made);
  }
  return kept.get();
}

}  // namespace posthaste::daemon::tool
