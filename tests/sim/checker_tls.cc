// What the Checker has to say of TLS: no mail goes below its effective level.
#include <algorithm>

#include "tests/sim/checker.h"

namespace posthaste::sim {
namespace {

using namespace std::chrono_literals;

// Longer than any TTL and any walk over slow hosts: what was published since then may be what we
// know.
constexpr Duration kKnown = 3h;
// A changed MTA-STS policy is told at once; what had begun by then may end.
constexpr Duration kTold = 10s;
// What one worker has seen of a host, the others know by then.
constexpr Duration kHeard = 10ms;

}  // namespace

// What a reload changes holds for all that is ordered afterwards.
std::vector<TlsVersion> Checker::tls_of(const Call& call) const {
  return since(scenario_.domain_named(call.domain)->tls, call.ordered);
}

bool Checker::could_go(const Call& call, mail::TlsWish wish, const Shown& shown) const {
  const Domain& domain = *scenario_.domain_named(call.domain);
  const Host& host = *scenario_.host_at(call.endpoint.address);
  for (const Zone& zone : since(host.zones, world_.now() - kKnown)) {
    for (const StsVersion& sts : since(domain.sts, call.began - kTold)) {
      for (const TlsVersion& tls : tls_of(call)) {
        if (may_go(tls.policy, call.host, domain.mx_secure, zone, sts.policy, wish, shown)) {
          return true;
        }
      }
    }
  }
  return false;
}

// A host that has shown verified TLS, to whichever worker, is not believed when it offers none.
void Checker::check_plaintext(const Call& call) {
  for (const TlsVersion& tls : tls_of(call)) {
    if (tls.policy.level == policy::TlsLevel::kNone || !tls.policy.strip_guard) return;
  }
  const auto known = shown_verified_.find({call.host, call.endpoint.port});
  if (known == shown_verified_.end()) return;
  const auto [shown, until] = known->second;
  if (shown + kHeard < call.began && world_.now() < until) {
    world_.violate("a strip is believed: " + call.host.text());
  }
}

void Checker::on_mail(ConnId conn, const Attempt& attempt, const Shown& shown) {
  const auto found = calls_.find(conn);
  if (found == calls_.end() || attempt.crashed) return;  // of a process that has died
  const Call& call = found->second;
  const MessageId id = attempt.envelope->id;
  if (!could_go(call, attempt.envelope->tls_wish, shown)) {
    return world_.violate(fmt::format("{} goes to {} of {} below its level ({})", render_id(id),
                                      call.host.text(), call.domain,
                                      shown.tls ? "TLS" : "plaintext"));
  }
  if (shown.tls) return;
  check_plaintext(call);
  const auto& seen = tls_failures_[call.endpoint];
  const bool by_handshake =
      call.stepped_down && std::all_of(seen.begin(), seen.end(), [](policy::TlsFailure failure) {
        return policy::kind(failure) == policy::TlsFailureKind::kHandshake;
      });
  const auto policies = tls_of(call);
  const bool young = std::all_of(policies.begin(), policies.end(), [&](const TlsVersion& tls) {
    return id.time() + tls.policy.plaintext_after > world_.now();
  });
  if (by_handshake && young) world_.violate("young mail in plaintext: " + render_id(id));
}

}  // namespace posthaste::sim
