// CertificateView: what people want to see of a certificate that a peer has shown.
//
// Does not     say whether it is any good: see TlsFacts.
#pragma once

#include <string>
#include <vector>

#include "lib/base/time.h"

namespace posthaste::tls {

struct CertificateView {
  std::string subject;  // one line, as in TlsFacts
  std::string issuer;
  Instant not_before, not_after;   // the epoch where the certificate has no time there
  std::string fingerprint;         // of the public key: "sha256:<hex of the SPKI's digest>"
  std::vector<std::string> names;  // DNS names, folded; at most 100
  friend bool operator==(const CertificateView&, const CertificateView&) = default;
};

}  // namespace posthaste::tls
