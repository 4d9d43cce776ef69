#include "lib/policy/tls_overlay.h"

#include <array>

#include "lib/base/check.h"

namespace posthaste::policy {

std::string_view name(TlsField field) {
  // In the order of the enumerators.
  constexpr std::array<std::string_view, kTlsFields> kNames{"level",
                                                            "connect",
                                                            "port",
                                                            "ladder",
                                                            "fallback.not_offered",
                                                            "fallback.refused",
                                                            "fallback.handshake",
                                                            "plaintext_after",
                                                            "dane",
                                                            "mta_sts",
                                                            "remember",
                                                            "strip_guard",
                                                            "match_names",
                                                            "fingerprints",
                                                            "ca_file",
                                                            "crl_file",
                                                            "ocsp",
                                                            "client_certificate",
                                                            "client_private_key"};
  const auto index = static_cast<std::size_t>(field);
  CHECK(index < kNames.size());
  return kNames[index];
}

}  // namespace posthaste::policy
