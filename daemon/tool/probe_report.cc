#include "daemon/tool/probe_report.h"

#include <algorithm>

#include "lib/delivery/trouble.h"

namespace posthaste::daemon::tool {
namespace {

ProbeVerdict verdict_on_failure(policy::TlsFailure failure, const delivery::HostTls& tls) {
  switch (delivery::choice_for(failure, tls)) {
    case policy::OnTlsFailure::kBounce: return ProbeVerdict::kBounces;
    case policy::OnTlsFailure::kDefer: return ProbeVerdict::kDefers;
    case policy::OnTlsFailure::kPlaintext: break;
  }
  const bool later = policy::kind(failure) == policy::TlsFailureKind::kHandshake &&
                     tls.policy.plaintext_after > Duration{};
  return later ? ProbeVerdict::kPlaintextLater : ProbeVerdict::kPlaintext;
}

}  // namespace

std::string_view name(ProbeVerdict verdict) {
  switch (verdict) {
    case ProbeVerdict::kDelivers: return "delivers";
    case ProbeVerdict::kPlaintext: return "plaintext";
    case ProbeVerdict::kPlaintextLater: return "plaintext_later";
    case ProbeVerdict::kDefers: return "defers";
    case ProbeVerdict::kBounces: return "bounces";
    case ProbeVerdict::kUnreachable: return "unreachable";
  }
  return "unreachable";
}

std::string_view name(ProbeRoute route) {
  switch (route) {
    case ProbeRoute::kMx: return "mx";
    case ProbeRoute::kRoute: return "route";
    case ProbeRoute::kLiteral: return "literal";
  }
  return "mx";
}

ProbeVerdict verdict_on(const ProbedHost& host, const ProbedAddress& address) {
  const delivery::HostTls& tls = *host.tls;
  if (tls.barred != policy::TlsFailure::kNone) return verdict_on_failure(tls.barred, tls);
  const auto last = std::find_if(address.calls.rbegin(), address.calls.rend(),
                                 [](const ProbedCall& call) { return !call.observing; });
  if (last == address.calls.rend()) return ProbeVerdict::kUnreachable;
  if (last->failure != policy::TlsFailure::kNone) return verdict_on_failure(last->failure, tls);
  if (!last->ready()) return ProbeVerdict::kUnreachable;
  if (!policy::satisfies(*tls.demand, last->facts)) return ProbeVerdict::kDefers;
  return last->facts ? ProbeVerdict::kDelivers : ProbeVerdict::kPlaintext;
}

bool takes_mail(const ProbedHost& host) {
  return std::any_of(host.addresses.begin(), host.addresses.end(), [&](const auto& address) {
    const ProbeVerdict verdict = verdict_on(host, address);
    return verdict == ProbeVerdict::kDelivers || verdict == ProbeVerdict::kPlaintext;
  });
}

bool takes_mail(const ProbeReport& report) {
  return std::any_of(report.hosts.begin(), report.hosts.end(),
                     [](const ProbedHost& host) { return takes_mail(host); });
}

}  // namespace posthaste::daemon::tool
