// TlsaRecord: what a TLSA record says of the certificate that a host will show, and whether SMTP
// can make use of it.
//
// Implements   RFC 6698 §2.1 and §4.1, RFC 7672 §3.1.
// Does not     look at certificates. See lib/tls.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>

namespace posthaste::dns {

// Of a certificate or public key that stands in a record in full (matching 0): what RDATA can hold.
inline constexpr std::size_t kTlsaOctetsMax = 64 * 1024;

struct TlsaRecord {
  std::uint8_t usage = 0;     // 2: DANE-TA, 3: DANE-EE; 0 and 1 are PKIX-TA and PKIX-EE
  std::uint8_t selector = 0;  // 0: the certificate, 1: its public key (SPKI)
  std::uint8_t matching = 0;  // 0: in full, 1: SHA2-256, 2: SHA2-512
  std::string data;           // octets: the certificate association data
  friend auto operator<=>(const TlsaRecord&, const TlsaRecord&) = default;
};

// As in a zone file, RFC 6698 §2.2: "3 1 1 ab12…"; for logs and for people.
std::string render(const TlsaRecord& record);

// Whether an SMTP client can authenticate by it. Usages 0 and 1 it cannot (RFC 7672 §3.1.3), nor
// parameters that it does not know or a digest of the wrong length (RFC 6698 §4.1). That the octets
// of matching 0 are a certificate or a key is for lib/tls to find.
bool usable(const TlsaRecord& record);

}  // namespace posthaste::dns
