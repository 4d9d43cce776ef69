#include "lib/delivery/host_tls.h"

#include <algorithm>
#include <utility>

#include "lib/base/check.h"

namespace posthaste::delivery {
namespace {

using policy::TlsEvidence;
using policy::TlsLevel;

policy::Ladder ladder_of(const Options& options, const policy::TlsPolicy& policy) {
  policy::Ladder ladder;
  for (const std::string& rung : policy.ladder) {
    const auto& profiles = options.profiles;
    const auto found = std::find_if(profiles.begin(), profiles.end(),
                                    [&](const auto& profile) { return profile.name == rung; });
    if (found != profiles.end()) ladder.push_back(*found);
  }
  CHECK(!ladder.empty());
  return ladder;
}

}  // namespace

policy::TlsPolicy tls_policy_for(const Options& options, const RoutingDomain& domain,
                                 const MxName& host) {
  return options.tls.policy_for(domain, host);
}

// As policy::judge_tls() looks at them: the levels above bring the operator's own authentication.
bool heeds_dane(const policy::TlsPolicy& policy, mail::TlsWish wish) {
  switch (policy.level) {
    case TlsLevel::kDaneOnly: return true;
    case TlsLevel::kDane: return wish != mail::TlsWish::kOptional;
    case TlsLevel::kMay:
    case TlsLevel::kEncrypt: return policy.dane && wish != mail::TlsWish::kOptional;
    case TlsLevel::kNone:
    case TlsLevel::kFingerprint:
    case TlsLevel::kVerify:
    case TlsLevel::kSecure: return false;
  }
  return false;
}

bool heeds_sts(const policy::TlsPolicy& policy, mail::TlsWish wish) {
  return policy.mta_sts && wish != mail::TlsWish::kOptional && policy.level != TlsLevel::kNone;
}

bool may_heed_sts(const Options& options, const RoutingDomain& domain, mail::TlsWish wish) {
  return wish != mail::TlsWish::kOptional &&
         (options.tls.hosts_may_heed_sts() || heeds_sts(options.tls.policy_for(domain), wish));
}

void add_dane(TlsEvidence& evidence, const dns::DanePlan& plan) {
  switch (plan.state) {
    case dns::DaneState::kNone: evidence.dane = TlsEvidence::Dane::kNone; break;
    case dns::DaneState::kUsable: evidence.dane = TlsEvidence::Dane::kUsable; break;
    case dns::DaneState::kUnusable: evidence.dane = TlsEvidence::Dane::kUnusable; break;
    case dns::DaneState::kTemporary: evidence.dane = TlsEvidence::Dane::kTemporary; break;
  }
  evidence.records = plan.records;
  evidence.tlsa_base = plan.base;
}

void add_sts(TlsEvidence& evidence, const policy::StsPolicy& sts, const MxName& host) {
  switch (sts.mode) {
    case policy::StsMode::kNone: return;
    case policy::StsMode::kTesting: evidence.sts = TlsEvidence::Sts::kTesting; break;
    case policy::StsMode::kEnforce: evidence.sts = TlsEvidence::Sts::kEnforce; break;
  }
  evidence.sts_names_host = policy::sts_matches(sts.mx, host);
}

std::shared_ptr<const HostTls> judge_host(const Options& options, const RoutingDomain& domain,
                                          const MxName& host, TlsEvidence evidence,
                                          mail::TlsWish wish) {
  auto made = std::make_shared<HostTls>();
  made->policy = tls_policy_for(options, domain, host);
  made->ladder = ladder_of(options, made->policy);
  auto judgement = policy::judge_tls(made->policy, domain, host, evidence, wish);
  made->evidence = std::move(evidence);
  made->barred = judgement.barred;
  made->sts_testing = judgement.sts_testing;
  made->key = policy::key_of(judgement.demand);
  made->fingerprint = policy::memory_fingerprint(judgement.demand, made->ladder);
  made->demand = std::make_shared<const policy::TlsDemand>(std::move(judgement.demand));
  return made;
}

}  // namespace posthaste::delivery
