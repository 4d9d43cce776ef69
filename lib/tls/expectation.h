// Expectation: what a server's certificate is measured by, and the measuring: in the handshake, so
// that the peer hears of a refusal, and again after every handshake, since a resumed session only
// carries the verdict of the one that made it.
//
//              chain to a root   name   dates   record
//   kNone           (told)      (told)  (told)           nobody obeys: observed
//   kPkix             x            x      x
//   kPin                                           x     3 1 1, and nothing else counts
//   kDane, 3                                       x     RFC 7672 §3.1.1
//   kDane, 2      (to the record)  x      x        x     RFC 7672 §3.1.2
//
// Implements   RFC 7672 §3.1, §3.2.3; RFC 7671 §4, §9; RFC 8461 §4.1.
// Does not     know of TLS versions, sockets, sessions. See client_stream.cc.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lib/base/names.h"
#include "lib/policy/tls_demand.h"
#include "lib/tls/openssl.h"
#include "lib/tls/peer_name.h"

namespace posthaste::tls {

class Expectation {
 public:
  // `demand` null: observe only.
  Expectation(const MxName& host, std::shared_ptr<const policy::TlsDemand> demand);

  // Whether a certificate that falls short ends the connection.
  bool enforced() const { return kind_ != policy::TlsAuthentication::kNone; }
  // By what a certificate without fault is known.
  policy::TlsAuthentication authenticates_by() const;

  // Before the handshake: SNI, and what OpenSSL has to watch. False: the error queue says why.
  bool prepare(SSL* ssl);
  // In the handshake: the chain by OpenSSL, the rest by us.
  long verdict_on(X509_STORE_CTX* chain) const;
  // In the handshake, after the chain: the stapled OCSP response.
  long verdict_on_staple(SSL* ssl) const;
  // After the handshake, resumed or not. REQUIRES that the peer has shown a certificate.
  long verdict_on(const SSL* ssl, X509* leaf) const;

  // For people, why a certificate was not accepted. `leaf` may be null.
  std::string words_for(long code, X509* leaf) const;

 private:
  bool by_records() const;
  bool arm_records(SSL* ssl);
  bool pinned(X509* leaf) const;
  bool has_anchors() const;
  long verdict_on(X509* leaf) const;
  std::string wanted_names() const;

  std::shared_ptr<const policy::TlsDemand> demand_;
  policy::TlsAuthentication kind_;
  PeerName sni_;
  std::vector<PeerName> names_;
  CommonName common_name_ = CommonName::kCounts;
  policy::OcspStapling ocsp_ = policy::OcspStapling::kIgnore;
  std::vector<dns::TlsaRecord> records_;  // only those that count
};

}  // namespace posthaste::tls
