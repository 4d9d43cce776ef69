// TlsPolicies: the operator's TLS rules, and the one policy that they make for a destination.
//
// Overlay: built-in < default < rules for MX hosts < rules for domains, field by field onto a full
// struct; among rules of a kind the later one wins. The origin of every field is kept, so that it
// can be explained.
//
// Threads      immutable once made.
// Does not     know what DANE, MTA-STS or a message ask for beyond it. See tls_demand.h.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "lib/base/names.h"
#include "lib/base/result.h"
#include "lib/policy/domain_pattern.h"
#include "lib/policy/tls_overlay.h"
#include "lib/policy/tls_policy.h"

namespace posthaste::policy {

// Either for domains (`match`) or for MX hosts (`mx`), whomever they serve.
struct TlsRule {
  std::vector<DomainPattern> match = {};
  TlsOverlay overlay = {};
  std::string origin = {};  // where it stands: "posthaste.yaml:31"
  std::vector<DomainPattern> mx = {};
  friend bool operator==(const TlsRule&, const TlsRule&) = default;
};

struct ExplainedTlsPolicy {
  TlsPolicy policy;
  std::array<std::string, kTlsFields>
      origins;  // by TlsField: "built-in", "tls.default", "posthaste.yaml:31"
};

class TlsPolicies {
 public:
  TlsPolicies() = default;
  // A level that encrypts raises fallbacks that were set before it (or by nobody) from plaintext to
  // defer: the default's plaintext is meant for the default's level. Refused are, for whichever
  // domain and host they would come together: plaintext asked for with such a level, or in a rule
  // that is laid over it; implicit TLS with level none; level fingerprint without fingerprints, and
  // what is none; an empty ladder; a client certificate without its key. Error: kInvalid, with the
  // rule's origin and the field: "posthaste.yaml:31: fallback.refused: …".
  static Result<TlsPolicies> make(TlsOverlay defaults, std::string default_origin,
                                  std::vector<TlsRule> rules);
  // O(rules): ask once per destination and host, not once per message. Without a host, rules for MX
  // hosts are left out.
  TlsPolicy policy_for(const RoutingDomain& domain, const MxName& host = {}) const;
  ExplainedTlsPolicy explain(const RoutingDomain& domain, const MxName& host = {}) const;
  // A rule for MX hosts may switch MTA-STS on that the domain's own do not heed.
  bool hosts_may_heed_sts() const;
  // Every combination of ladder, trust files and client certificate that some domain and host come
  // to, each once: what there has to be before the first connection. Only those fields count.
  std::vector<TlsPolicy> materials() const;

  friend bool operator==(const TlsPolicies&, const TlsPolicies&) = default;

 private:
  TlsOverlay defaults_;
  std::string default_origin_ = "built-in";
  std::vector<TlsRule> rules_;
};

}  // namespace posthaste::policy
