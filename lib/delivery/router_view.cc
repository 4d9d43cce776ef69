// What a Router knows, for people.
#include <algorithm>

#include "lib/delivery/router.h"

namespace posthaste::delivery {
namespace {

using policy::TlsFailure;

std::string next_in_words(const HostTls& tls, const std::optional<policy::TlsRemembered>& known,
                          bool shown_verified) {
  if (tls.barred != TlsFailure::kNone) return "nothing";
  if (tls.demand->level == policy::TlsLevel::kNone) return "plaintext";
  const bool failed = known && known->failure != TlsFailure::kNone;
  const std::size_t rung = known && !failed ? known->rung : 0;
  const std::string& profile = tls.ladder.at(std::min(rung, tls.ladder.size() - 1)).name;
  const bool guarded = shown_verified && tls.policy.strip_guard;
  if (!failed || guarded || choice_for(known->failure, tls) != policy::OnTlsFailure::kPlaintext) {
    return profile;
  }
  // Only handshakes that failed are remembered, and their plaintext is for mail that has waited.
  if (tls.policy.plaintext_after <= Duration::zero()) return "plaintext";
  return profile + "; plaintext for mail that has waited plaintext_after";
}

TlsView::Host view_of(const RoutePlan::Host& host, const policy::TlsMemory& memory, Instant now) {
  TlsView::Host view;
  view.name = host.name;
  view.port = host.port;
  if (host.trouble) view.words = host.trouble->reply.text;
  view.shown_verified = memory.has_shown_verified(host.name, host.port, now);
  for (const IpAddress& address : host.addresses) {
    view.addresses.push_back({address, std::nullopt, {}});
  }
  if (host.tls == nullptr) return view;
  const HostTls& tls = *host.tls;
  view.judged = true;
  view.policy = tls.policy;
  view.evidence = tls.evidence;
  view.demand = *tls.demand;
  view.barred = tls.barred;
  for (auto& address : view.addresses) {
    const auto* known = memory.find(tls.memory_key({address.address, host.port}));
    if (known != nullptr && now < known->expires) address.remembered = *known;
    address.next = next_in_words(tls, address.remembered, view.shown_verified);
  }
  return view;
}

}  // namespace

TlsView Router::view(const policy::TlsMemory& memory, Instant now) const {
  TlsView view;
  if (!plan_) return view;
  view.known = true;
  view.expires = plan_->expires();
  view.sts = sts_policy_;
  if (plan_->verdict()) view.verdict = plan_->verdict()->reply.text;
  for (const RoutePlan::Host& host : plan_->hosts()) {
    view.hosts.push_back(view_of(host, memory, now));
  }
  return view;
}

}  // namespace posthaste::delivery
