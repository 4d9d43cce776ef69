#include "tests/sim/tls_truth.h"

#include <algorithm>

namespace posthaste::sim {
namespace {

using mail::TlsWish;
using policy::TlsLevel;

bool dane_counts(const policy::TlsPolicy& policy, TlsWish wish) {
  if (wish == TlsWish::kOptional) return false;
  switch (policy.level) {
    case TlsLevel::kMay:
    case TlsLevel::kEncrypt: return policy.dane;
    case TlsLevel::kDane:
    case TlsLevel::kDaneOnly: return true;
    case TlsLevel::kNone:
    case TlsLevel::kFingerprint:
    case TlsLevel::kVerify:
    case TlsLevel::kSecure: return false;
  }
  return false;
}

// RFC 8461 §4.1, with the two kinds of patterns that there are here.
bool names(const policy::StsPolicy& sts, const MxName& host) {
  return std::any_of(sts.mx.begin(), sts.mx.end(), [&](const std::string& pattern) {
    return pattern == host.text() ||
           (pattern.starts_with("*.") &&
            host.text().substr(host.text().find('.')) == pattern.substr(1));
  });
}

}  // namespace

bool may_go(const policy::TlsPolicy& policy, const MxName& host, bool mx_secure, const Zone& zone,
            const std::optional<policy::StsPolicy>& sts, TlsWish wish, const Shown& shown) {
  const bool require = wish == TlsWish::kRequireTls;
  if (policy.level == TlsLevel::kNone) return !require;
  const bool verified = shown.tls && shown.certificate.trusted && shown.certificate.names_host;
  const bool dane = dane_counts(policy, wish) && mx_secure && zone.secure && !zone.tlsa.empty();
  const bool matches = shown.tls && zone.tlsa.find(shown.certificate.key) != std::string::npos;
  if (require && !(shown.requiretls && (verified || (dane && matches)))) return false;
  if (policy.level >= TlsLevel::kFingerprint) {
    if (!verified) return false;
  } else if (policy::encrypts(policy.level) && !shown.tls) {
    return false;
  }
  if (dane) return matches;  // RFC 8461 §2: MTA-STS then has no say
  if (policy.level == TlsLevel::kDaneOnly) return false;
  const bool enforced =
      policy.mta_sts && wish != TlsWish::kOptional && sts && sts->mode == policy::StsMode::kEnforce;
  return !enforced || (names(*sts, host) && verified);
}

}  // namespace posthaste::sim
