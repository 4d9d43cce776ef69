#include "lib/tls/certificate.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <string_view>

#include "lib/base/names.h"

namespace posthaste::tls {
namespace {

// A stranger's certificate must not fill our log.
constexpr std::size_t kLineBytesMax = 512;
constexpr std::size_t kNamesMax = 100;
constexpr std::size_t kNameBytesMax = 255;

template <typename Object, typename Encode>
std::string encoded(Object* object, const Encode& encode) {
  unsigned char* bytes = nullptr;
  const int size = encode(object, &bytes);
  if (size <= 0) return {};
  std::string text(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return text;
}

bool is_name_octet(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_' || c == '*';
}

// Empty for what cannot be a host's name.
std::string dns_name_of(const GENERAL_NAME* name) {
  if (name->type != GEN_DNS) return {};
  const ASN1_STRING* text = name->d.dNSName;
  const std::string_view octets(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                                static_cast<std::size_t>(ASN1_STRING_length(text)));
  const bool fits =
      octets.size() <= kNameBytesMax && std::all_of(octets.begin(), octets.end(), is_name_octet);
  return fits ? fold_domain(octets) : std::string();
}

Instant instant_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  const std::chrono::year_month_day day{std::chrono::year(parts.tm_year + 1900),
                                        std::chrono::month(static_cast<unsigned>(parts.tm_mon + 1)),
                                        std::chrono::day(static_cast<unsigned>(parts.tm_mday))};
  return std::chrono::sys_days(day) + std::chrono::hours(parts.tm_hour) +
         std::chrono::minutes(parts.tm_min) + std::chrono::seconds(parts.tm_sec);
}

}  // namespace

std::string der_of(X509* certificate) { return encoded(certificate, i2d_X509); }

std::string spki_of(X509* certificate) {
  return encoded(X509_get_X509_PUBKEY(certificate), i2d_X509_PUBKEY);
}

std::string fingerprint_of(X509* certificate) {
  const std::string spki = spki_of(certificate);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(spki.data(), spki.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) {
    return {};
  }
  return fmt::format("sha256:{:02x}", fmt::join(digest.begin(), digest.begin() + size, ""));
}

std::string line_of(const X509_NAME* name) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio) return {};
  X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  if (size <= 0) return {};
  return std::string(data, static_cast<std::size_t>(size)).substr(0, kLineBytesMax);
}

std::vector<std::string> dns_names_of(X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, FreeWith<GENERAL_NAMES_free>> all(
      static_cast<GENERAL_NAMES*>(
          X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::vector<std::string> names;
  for (int i = 0; i < sk_GENERAL_NAME_num(all.get()) && names.size() < kNamesMax; ++i) {
    std::string name = dns_name_of(sk_GENERAL_NAME_value(all.get(), i));
    if (!name.empty()) names.push_back(std::move(name));
  }
  return names;
}

CertificateView view_of(X509* certificate) {
  return {line_of(X509_get_subject_name(certificate)),
          line_of(X509_get_issuer_name(certificate)),
          instant_of(X509_get0_notBefore(certificate)),
          instant_of(X509_get0_notAfter(certificate)),
          fingerprint_of(certificate),
          dns_names_of(certificate)};
}

long verdict_on_dates(const X509* certificate) {
  if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0) {
    return X509_V_ERR_CERT_NOT_YET_VALID;
  }
  // 0: no time at all
  return X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0 ? X509_V_OK
                                                                    : X509_V_ERR_CERT_HAS_EXPIRED;
}

}  // namespace posthaste::tls
