// What is read from a certificate: by facts, pins and verdicts alike.
//
// Limits       a stranger wrote it: lines and lists are cut (see the .cc).
// Does not     verify anything. See expectation.h.
#pragma once

#include <string>
#include <vector>

#include "lib/tls/certificate_view.h"
#include "lib/tls/openssl.h"

namespace posthaste::tls {

std::string der_of(X509* certificate);
std::string spki_of(X509* certificate);         // the public key, SubjectPublicKeyInfo in DER
std::string fingerprint_of(X509* certificate);  // of the SPKI: "sha256:<64 hexadecimal digits>"
// One line in RFC 2253's form, which escapes what is not printable.
std::string line_of(const X509_NAME* name);
std::vector<std::string> dns_names_of(X509* certificate);  // folded; at most 100

CertificateView view_of(X509* certificate);

// X509_V_OK, or the code that says why it does not hold now.
long verdict_on_dates(const X509* certificate);

}  // namespace posthaste::tls
