#include "lib/tls/facts.h"

#include <openssl/objects.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <string_view>

#include "lib/base/ip.h"
#include "lib/base/names.h"

namespace posthaste::tls {
namespace {

constexpr std::size_t kSubjectBytesMax = 512;  // a stranger's certificate must not fill our log

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

std::string subject_of(const X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio) return {};
  // RFC 2253's form escapes what is not printable, so that a subject stays one line of a log.
  X509_NAME_print_ex(bio.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  if (size <= 0) return {};
  return std::string(data, static_cast<std::size_t>(size)).substr(0, kSubjectBytesMax);
}

bool name_matches(X509* certificate, const PeerName& peer) {
  if (peer.text.empty()) return false;
  if (peer.is_address) return X509_check_ip_asc(certificate, peer.text.c_str(), 0) == 1;
  return X509_check_host(certificate, peer.text.data(), peer.text.size(),
                         X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr) == 1;
}

// OpenSSL's verdict, and what it cannot know of a session that was resumed.
long verdict_on(const SSL* ssl, X509* certificate, const PeerName& peer) {
  const long verdict = SSL_get_verify_result(ssl);
  if (verdict != X509_V_OK) return verdict;
  if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0) {
    return X509_V_ERR_CERT_NOT_YET_VALID;
  }
  if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0) {
    return X509_V_ERR_CERT_HAS_EXPIRED;
  }
  return name_matches(certificate, peer) ? X509_V_OK : X509_V_ERR_HOSTNAME_MISMATCH;
}

}  // namespace

PeerName parse_peer_name(const std::string& host) {
  std::string_view bare = host;
  if (bare.size() >= 2 && bare.front() == '[' && bare.back() == ']') {
    bare = bare.substr(1, bare.size() - 2);
    if (equal_fold(bare.substr(0, 5), "ipv6:")) bare.remove_prefix(5);
  }
  if (const auto address = parse_ip(bare)) return {render_ip(*address), true};
  return {fold_domain(host), false};
}

policy::TlsFacts facts_of(SSL* ssl, const std::string& profile, const PeerName& peer) {
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
  facts.verify_code = static_cast<int>(verdict_on(ssl, certificate, peer));
  facts.verified = facts.verify_code == X509_V_OK;
  facts.subject = subject_of(certificate);
  return facts;
}

}  // namespace posthaste::tls
