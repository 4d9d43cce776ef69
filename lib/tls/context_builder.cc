#include "lib/tls/context_builder.h"

#include <fmt/format.h>

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "lib/tls/classify.h"

namespace posthaste::tls {
namespace {

int version_number(policy::TlsVersion version) {
  switch (version) {
    case policy::TlsVersion::kTls10: return TLS1_VERSION;
    case policy::TlsVersion::kTls11: return TLS1_1_VERSION;
    case policy::TlsVersion::kTls12: return TLS1_2_VERSION;
    case policy::TlsVersion::kTls13: return TLS1_3_VERSION;
  }
  return TLS1_2_VERSION;
}

tl::unexpected<Error> refuse(ErrorCode code, const policy::TlsProfile& profile, const char* field,
                             const std::string& what) {
  return fail(code, fmt::format("TLS profile {}: {}: {}", profile.name, field, what));
}

std::vector<std::string> words_of(const std::string& list) {
  std::vector<std::string> words;
  std::size_t begin = 0;
  while (begin <= list.size()) {
    const std::size_t end = std::min(list.find_first_of(":, ", begin), list.size());
    if (end > begin) words.push_back(list.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

Status set_versions(SSL_CTX* context, const policy::TlsProfile& profile) {
  if (profile.min_version > profile.max_version) {
    return refuse(ErrorCode::kInvalid, profile, "min_version", "is above max_version");
  }
  if (SSL_CTX_set_min_proto_version(context, version_number(profile.min_version)) != 1) {
    return refuse(ErrorCode::kUnsupported, profile, "min_version", take_words());
  }
  if (SSL_CTX_set_max_proto_version(context, version_number(profile.max_version)) != 1) {
    return refuse(ErrorCode::kUnsupported, profile, "max_version", take_words());
  }
  return {};
}

// OpenSSL skips names that it does not know, as long as it knows one: a misspelt cipher would
// silently not be offered. Operators (!aNULL, -X, +X, @STRENGTH) are its own affair.
Status check_cipher_words(const policy::TlsProfile& profile) {
  const SslCtxPtr scratch(SSL_CTX_new(TLS_method()));
  for (const std::string& word : words_of(profile.ciphers)) {
    if (std::strchr("!-+@", word.front()) != nullptr) continue;
    if (SSL_CTX_set_cipher_list(scratch.get(), word.c_str()) == 1) continue;
    (void)take_error();
    return refuse(
        ErrorCode::kUnsupported, profile, "ciphers",
        fmt::format("this OpenSSL knows no {} (see openssl ciphers -v ALL:COMPLEMENTOFALL)", word));
  }
  return {};
}

Status set_ciphers(SSL_CTX* context, const policy::TlsProfile& profile) {
  if (profile.min_version < policy::TlsVersion::kTls13) {
    if (profile.ciphers.empty()) {
      return refuse(ErrorCode::kInvalid, profile, "ciphers", "is empty, but TLS 1.2 is offered");
    }
    if (auto checked = check_cipher_words(profile); !checked) return checked;
    if (SSL_CTX_set_cipher_list(context, profile.ciphers.c_str()) != 1) {
      return refuse(ErrorCode::kInvalid, profile, "ciphers", take_words());
    }
  }
  if (profile.max_version < policy::TlsVersion::kTls13) return {};
  if (SSL_CTX_set_ciphersuites(context, profile.ciphersuites.c_str()) != 1) {
    return refuse(ErrorCode::kInvalid, profile, "ciphersuites", take_words());
  }
  const STACK_OF(SSL_CIPHER)* known = SSL_CTX_get_ciphers(context);
  for (const std::string& word : words_of(profile.ciphersuites)) {
    bool found = false;
    for (int i = 0; i < sk_SSL_CIPHER_num(known) && !found; ++i) {
      found = word == SSL_CIPHER_get_name(sk_SSL_CIPHER_value(known, i));
    }
    if (!found) {
      return refuse(ErrorCode::kUnsupported, profile, "ciphersuites",
                    fmt::format("this OpenSSL knows no {} (see openssl ciphers -v -tls1_3)", word));
    }
  }
  return {};
}

// Sets a list that OpenSSL refuses as a whole, and finds the word that it stumbled over.
template <typename Set>
Status set_list(const policy::TlsProfile& profile, const char* field, const std::string& list,
                const Set& set) {
  if (list.empty()) return refuse(ErrorCode::kInvalid, profile, field, "is empty");
  if (set(list)) return {};
  (void)take_error();
  for (const std::string& word : words_of(list)) {
    if (set(word)) continue;
    (void)take_error();
    return refuse(ErrorCode::kUnsupported, profile, field,
                  fmt::format("this OpenSSL knows no {}", word));
  }
  return refuse(ErrorCode::kInvalid, profile, field, fmt::format("OpenSSL refuses \"{}\"", list));
}

void set_fixed(SSL_CTX* context, Side side) {
  SSL_CTX_set_options(
      context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  // What a system-wide openssl.cnf may have switched on.
  SSL_CTX_clear_options(context, SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_IGNORE_UNEXPECTED_EOF |
                                     SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION |
                                     SSL_OP_ALLOW_CLIENT_RENEGOTIATION | SSL_OP_ALLOW_NO_DHE_KEX);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_NO_AUTO_CHAIN);  // what we show is what our file holds
  // One read(2) for a record's header and body, and for whatever follows them.
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
  if (side == Side::kServer) SSL_CTX_set_dh_auto(context, 1);
}

}  // namespace

Result<SslCtxPtr> build_context(Side side, const policy::TlsProfile& profile) {
  SslCtxPtr owner(SSL_CTX_new(side == Side::kClient ? TLS_client_method() : TLS_server_method()));
  SSL_CTX* context = owner.get();
  if (context == nullptr) {
    return fail(ErrorCode::kFull, "cannot make a TLS context: " + take_words());
  }
  set_fixed(context, side);
  if (auto set = set_versions(context, profile); !set) return tl::unexpected(set.error());
  if (auto set = set_ciphers(context, profile); !set) return tl::unexpected(set.error());
  auto groups = set_list(profile, "groups", profile.groups, [&](const std::string& list) {
    return SSL_CTX_set1_groups_list(context, list.c_str()) == 1;
  });
  if (!groups) return tl::unexpected(groups.error());
  auto algorithms = set_list(profile, "signature_algorithms", profile.signature_algorithms,
                             [&](const std::string& list) {
                               return SSL_CTX_set1_sigalgs_list(context, list.c_str()) == 1;
                             });
  if (!algorithms) return tl::unexpected(algorithms.error());
  if (profile.security_level < 0 || profile.security_level > 5) {
    return refuse(ErrorCode::kInvalid, profile, "security_level", "must be between 0 and 5");
  }
  // Last: a cipher list may carry an @SECLEVEL of its own, and the field has the last word.
  SSL_CTX_set_security_level(context, profile.security_level);
  return owner;
}

}  // namespace posthaste::tls
