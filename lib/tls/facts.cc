#include "lib/tls/facts.h"

#include <openssl/objects.h>
#include <openssl/x509_vfy.h>

#include "lib/tls/certificate.h"

namespace posthaste::tls {
namespace {

// RFC 5480's and RFC 7748's curves by the names that operators write; OpenSSL has several for each.
std::string group_name(SSL* ssl) {
  const auto nid = static_cast<int>(SSL_get_negotiated_group(ssl));
  switch (nid) {
    case NID_undef: return {};
    case NID_X25519: return "X25519";
    case NID_X448: return "X448";
    case NID_X9_62_prime256v1: return "P-256";
    case NID_secp384r1: return "P-384";
    case NID_secp521r1: return "P-521";
    default: break;
  }
  const char* name = SSL_group_to_name(ssl, nid);
  return name != nullptr ? name : "";
}

// Static RSA is the one key exchange left that gives the past away with the key (RFC 7525 §6.3).
// TLS 1.3 without (EC)DHE would need SSL_OP_ALLOW_NO_DHE_KEX, which we never set.
bool forward_secret(const SSL* ssl) {
  switch (SSL_CIPHER_get_kx_nid(SSL_get_current_cipher(ssl))) {
    case NID_kx_any:
    case NID_kx_ecdhe:
    case NID_kx_dhe: return true;
    default: return false;
  }
}

}  // namespace

policy::TlsFacts facts_of(SSL* ssl, const std::string& profile, const Verdict& verdict) {
  policy::TlsFacts facts;
  facts.version = SSL_get_version(ssl);
  facts.cipher = SSL_get_cipher_name(ssl);
  facts.group = group_name(ssl);
  facts.profile = profile;
  facts.resumed = SSL_session_reused(ssl) == 1;
  facts.forward_secret = forward_secret(ssl);
  X509* certificate = SSL_get0_peer_certificate(ssl);
  facts.certificate_present = certificate != nullptr;
  if (certificate == nullptr) return facts;
  facts.verify_code = static_cast<int>(verdict.code);
  facts.verified = verdict.code == X509_V_OK;
  if (facts.verified) facts.authenticated_by = verdict.by;
  facts.subject = line_of(X509_get_subject_name(certificate));
  facts.issuer = line_of(X509_get_issuer_name(certificate));
  facts.fingerprint = fingerprint_of(certificate);
  facts.names = dns_names_of(certificate);
  return facts;
}

}  // namespace posthaste::tls
