#include "lib/tls/peer_name.h"

#include <openssl/x509v3.h>

#include <string_view>

#include "lib/base/ip.h"
#include "lib/base/names.h"

namespace posthaste::tls {

PeerName parse_peer_name(const std::string& host) {
  std::string_view bare = host;
  if (bare.size() >= 2 && bare.front() == '[' && bare.back() == ']') {
    bare = bare.substr(1, bare.size() - 2);
    if (equal_fold(bare.substr(0, 5), "ipv6:")) bare.remove_prefix(5);
  }
  if (const auto address = parse_ip(bare)) return {render_ip(*address), true};
  return {fold_domain(host), false};
}

bool is_for(X509* certificate, const PeerName& name, CommonName common_name) {
  if (name.text.empty() || name.text == ".") return false;
  if (name.is_address) return X509_check_ip_asc(certificate, name.text.c_str(), 0) == 1;
  unsigned flags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
  if (common_name == CommonName::kIgnored) flags |= X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
  // OpenSSL itself takes a leading dot for "any name below".
  return X509_check_host(certificate, name.text.data(), name.text.size(), flags, nullptr) == 1;
}

}  // namespace posthaste::tls
