// What a server may staple to its certificate: bytes that only OpenSSL should have to fear.
#include <openssl/pem.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/base/check.h"
#include "lib/tls/staple.h"

namespace {

// A leaf and its root, so that the corpus gets as far as a signature that holds.
constexpr char kChain[] = R"(
-----BEGIN CERTIFICATE-----
MIIBYDCCAQWgAwIBAgIELTTd7TAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlGdXp6
IFJvb3QwHhcNMjYxMTIyMDAzNjI4WhcNMzYxMTE5MDEzNjI4WjAZMRcwFQYDVQQD
DA5teC5leGFtcGxlLmNvbTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNFdGSWE
Zi6p9JO2nP5cw9ryi7k7st75FigV0J+yWup8ScPipUFu9F8vWuLyA5wKo12OjKt8
1PBHpdAkRzHywlajQDA+MAwGA1UdEwEB/wQCMAAwEwYDVR0lBAwwCgYIKwYBBQUH
AwEwGQYDVR0RBBIwEIIObXguZXhhbXBsZS5jb20wCgYIKoZIzj0EAwIDSQAwRgIh
ALbSYK4T2AlevIAseWdFIN37LYEWUyexg9UaNlmzXvgBAiEAsARq1gomR8sAm93a
eTdXrCwsMYeGFPc1rsDqFO6pvRI=
-----END CERTIFICATE-----
-----BEGIN CERTIFICATE-----
MIIBOTCB4aADAgECAgUAk17g0jAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlGdXp6
IFJvb3QwHhcNMjYxMTIyMDAzNjI4WhcNMzYxMTE5MDEzNjI4WjAUMRIwEAYDVQQD
DAlGdXp6IFJvb3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAS5HxDCcnG5zctE
OPykm7PVLfX/RjAxq5tfSIojSe2ifNvO26o1a8F+0lG7A+FLCPbrXypOreNMZ/17
R6UgjDhpoyAwHjAPBgNVHRMBAf8EBTADAQH/MAsGA1UdDwQEAwIBBjAKBggqhkjO
PQQDAgNHADBEAiBX/+bCsrnhUXv+6rtgvee5bGzNm9QWrXopqkkzSULUrwIgIwFs
0qmUg9kixJzA1t8T/lvMaHo98ZUTv7EdcamXKOI=
-----END CERTIFICATE-----
)";

STACK_OF(X509) * read_chain() {
  STACK_OF(X509)* chain = sk_X509_new_null();
  const posthaste::tls::BioPtr bio(BIO_new_mem_buf(kChain, -1));
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    CHECK(sk_X509_push(chain, next) > 0);
  }
  CHECK(sk_X509_num(chain) == 2);
  return chain;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using posthaste::tls::read_staple;
  using posthaste::tls::Staple;
  static STACK_OF(X509)* const chain = read_chain();
  const std::string_view response(reinterpret_cast<const char*>(data), size);
  const Staple found = read_staple(response, chain);
  CHECK((found == Staple::kAbsent) == response.empty());
  return 0;
}
