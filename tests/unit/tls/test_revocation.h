// What certificate authorities say of certificates that they take back: revocation lists and OCSP
// responses, made on the spot.
//
// Does not     bring OpenSSL's headers along. Never for anything but tests.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "tests/unit/tls/test_certificates.h"

namespace posthaste::tls {

struct Validity {
  std::chrono::seconds begins{-3600}, ends{24 * 3600};  // from now
};

// PEM.
std::string make_revocation_list(const TestCertificate& issuer,
                                 const std::vector<TestCertificate>& revoked,
                                 Validity validity = {});

struct StapleOrder {
  enum class Status { kGood, kRevoked, kUnknown };
  Status status = Status::kGood;
  Validity validity = {};
  bool has_end = true;          // nextUpdate
  std::string digest = "SHA1";  // by which the certificate is named
};
// DER. `signer`: the issuer himself, or whom he has appointed (purpose OCSPSigning).
std::string make_staple(const TestCertificate& subject, const TestCertificate& issuer,
                        const TestCertificate& signer, const StapleOrder& order = {});

}  // namespace posthaste::tls
