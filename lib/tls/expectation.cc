#include "lib/tls/expectation.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "lib/tls/certificate.h"
#include "lib/tls/classify.h"
#include "lib/tls/staple.h"

namespace posthaste::tls {
namespace {

using dns::TlsaRecord;
using policy::OcspStapling;
using policy::TlsAuthentication;

constexpr std::uint8_t kTrustAnchor = 2, kEndEntity = 3;      // usages
constexpr std::uint8_t kWhole = 0, kSha256 = 1, kSha512 = 2;  // matching
constexpr std::uint8_t kCertificate = 0;                      // selector
constexpr std::size_t kNamesInWords = 10;

// RFC 7671 §9: where a certificate or key is published with both digests, the weaker does not
// count.
bool outdone(const TlsaRecord& record, const std::vector<TlsaRecord>& all) {
  return record.matching == kSha256 &&
         std::any_of(all.begin(), all.end(), [&](const TlsaRecord& other) {
           return dns::usable(other) && other.usage == record.usage &&
                  other.selector == record.selector && other.matching == kSha512;
         });
}

std::vector<TlsaRecord> that_count(const std::vector<TlsaRecord>& all) {
  std::vector<TlsaRecord> records;
  std::copy_if(all.begin(), all.end(), std::back_inserter(records), [&](const TlsaRecord& record) {
    return dns::usable(record) && !outdone(record, all);
  });
  return records;
}

std::string digest_of(const std::string& octets, const EVP_MD* kind) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(octets.data(), octets.size(), digest.data(), &size, kind, nullptr) != 1) return {};
  return {reinterpret_cast<const char*>(digest.data()), size};
}

bool matches(const TlsaRecord& record, X509* certificate) {
  std::string selected =
      record.selector == kCertificate ? der_of(certificate) : spki_of(certificate);
  if (record.matching != kWhole) {
    selected = digest_of(selected, record.matching == kSha256 ? EVP_sha256() : EVP_sha512());
  }
  return !selected.empty() && selected == record.data;
}

// What OpenSSL's own words leave a postmaster to guess.
std::string_view advice_for(long code) {
  switch (code) {
    case X509_V_ERR_UNABLE_TO_GET_CRL:
      return "the CRL file has no list of the certificate's issuer: add it";
    case X509_V_ERR_CRL_HAS_EXPIRED:
      return "the CRL file's list of the certificate's issuer has expired: fetch the current one";
    case X509_V_ERR_CRL_NOT_YET_VALID:
      return "the CRL file's list of the certificate's issuer is not valid yet: is the clock "
             "right?";
    case X509_V_ERR_OCSP_VERIFY_NEEDED: return "a stapled OCSP response is required, and none came";
    case X509_V_ERR_OCSP_VERIFY_FAILED:
      return "a stapled OCSP response is required, and the one that came is of no use";
    default: return {};
  }
}

}  // namespace

Expectation::Expectation(const MxName& host, std::shared_ptr<const policy::TlsDemand> demand)
    : demand_(std::move(demand)),
      kind_(demand_ ? demand_->authentication : TlsAuthentication::kNone),
      sni_(parse_peer_name(demand_ && !demand_->sni.empty() ? demand_->sni : host.text())) {
  if (!enforced()) {
    names_ = {parse_peer_name(host.text())};
    return;
  }
  for (const std::string& name : demand_->names) names_.push_back(parse_peer_name(name));
  // RFC 8461 §4.1 wants the name among the alternative names; elsewhere RFC 7672 §3.2.3 rules.
  if (demand_->source == policy::TlsSource::kMtaSts) common_name_ = CommonName::kIgnored;
  if (by_records()) records_ = that_count(demand_->records);
  if (!by_records() || has_anchors()) ocsp_ = demand_->ocsp;
}

TlsAuthentication Expectation::authenticates_by() const {
  return enforced() ? kind_ : TlsAuthentication::kPkix;
}

bool Expectation::by_records() const {
  return kind_ == TlsAuthentication::kPin || kind_ == TlsAuthentication::kDane;
}

bool Expectation::has_anchors() const {
  return std::any_of(records_.begin(), records_.end(),
                     [](const TlsaRecord& record) { return record.usage == kTrustAnchor; });
}

bool Expectation::pinned(X509* leaf) const {
  return std::any_of(records_.begin(), records_.end(), [&](const TlsaRecord& record) {
    return record.usage == kEndEntity && matches(record, leaf);
  });
}

// Under SSL_VERIFY_NONE the certificate is judged all the same; only nobody obeys the verdict.
bool Expectation::prepare(SSL* ssl) {
  if (enforced()) SSL_set_verify(ssl, SSL_VERIFY_PEER, nullptr);
  if (by_records() && !arm_records(ssl)) return false;
  if (ocsp_ != OcspStapling::kIgnore) SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp);
  // RFC 6066 §3: never an address.
  if (sni_.text.empty() || sni_.is_address) return true;
  return SSL_set_tlsext_host_name(ssl, sni_.text.c_str()) == 1;
}

// Without a name: names are ours to compare, for OpenSSL takes no addresses among them.
bool Expectation::arm_records(SSL* ssl) {
  if (SSL_dane_enable(ssl, nullptr) <= 0) return false;
  std::vector<TlsaRecord> taken;
  for (TlsaRecord& record : records_) {
    const int added = SSL_dane_tlsa_add(ssl, record.usage, record.selector, record.matching,
                                        reinterpret_cast<const unsigned char*>(record.data.data()),
                                        record.data.size());
    if (added < 0) return false;
    // 0: its octets are no certificate and no key. It counts for nothing here, or else such a
    // record would turn into a chain to just any root.
    if (added > 0) taken.push_back(std::move(record));
  }
  records_ = std::move(taken);
  ERR_clear_error();
  return true;
}

long Expectation::verdict_on(X509_STORE_CTX* chain) const {
  // To OpenSSL a list without records is no DANE at all.
  if (by_records() && records_.empty()) return X509_V_ERR_DANE_NO_MATCH;
  if (X509_verify_cert(chain) != 1) {
    const int code = X509_STORE_CTX_get_error(chain);
    return code != X509_V_OK ? code : X509_V_ERR_UNSPECIFIED;
  }
  return verdict_on(X509_STORE_CTX_get0_cert(chain));
}

long Expectation::verdict_on(const SSL* ssl, X509* leaf) const {
  const long code = SSL_get_verify_result(ssl);
  return code != X509_V_OK ? code : verdict_on(leaf);
}

// What can be told of the leaf alone, whoever has vouched for its chain.
long Expectation::verdict_on(X509* leaf) const {
  if (pinned(leaf)) return X509_V_OK;
  if (by_records() && !has_anchors()) return X509_V_ERR_DANE_NO_MATCH;
  if (const long code = verdict_on_dates(leaf); code != X509_V_OK) return code;
  const bool named = std::any_of(names_.begin(), names_.end(), [&](const PeerName& name) {
    return is_for(leaf, name, common_name_);
  });
  if (named) return X509_V_OK;
  const bool address = names_.size() == 1 && names_.front().is_address;
  return address ? X509_V_ERR_IP_ADDRESS_MISMATCH : X509_V_ERR_HOSTNAME_MISMATCH;
}

long Expectation::verdict_on_staple(SSL* ssl) const {
  STACK_OF(X509)* chain = SSL_get0_verified_chain(ssl);
  if (sk_X509_num(chain) > 0 && pinned(sk_X509_value(chain, 0))) return X509_V_OK;
  const unsigned char* response = nullptr;
  const long size = SSL_get_tlsext_status_ocsp_resp(ssl, &response);
  const std::string_view der(reinterpret_cast<const char*>(response),
                             size > 0 ? static_cast<std::size_t>(size) : 0);
  const bool required = ocsp_ == OcspStapling::kRequire;
  switch (read_staple(der, chain)) {
    case Staple::kGood: return X509_V_OK;
    case Staple::kRevoked: return X509_V_ERR_CERT_REVOKED;
    // Whoever could forge a bad response could as well leave it out.
    case Staple::kAbsent: return required ? X509_V_ERR_OCSP_VERIFY_NEEDED : X509_V_OK;
    case Staple::kUnusable: return required ? X509_V_ERR_OCSP_VERIFY_FAILED : X509_V_OK;
  }
  return X509_V_ERR_UNSPECIFIED;
}

std::string Expectation::wanted_names() const {
  std::vector<std::string> names;
  for (const PeerName& name : names_) names.push_back(name.text);
  return names.empty() ? "nobody" : fmt::format("{}", fmt::join(names, " or "));
}

std::string Expectation::words_for(long code, X509* leaf) const {
  const std::string_view head = head_for_verify_code(code);
  const std::string number = fmt::format(" (verify code {})", code);
  const std::string key = leaf != nullptr ? ", its key is " + fingerprint_of(leaf) : std::string();
  if (leaf == nullptr && code == X509_V_ERR_UNSPECIFIED) return "the server showed no certificate";
  if (code == X509_V_ERR_DANE_NO_MATCH && kind_ == TlsAuthentication::kPin) {
    return fmt::format("{}none of the {} pinned keys is shown{}{}", head, records_.size(), key,
                       number);
  }
  if (code == X509_V_ERR_DANE_NO_MATCH) {
    const std::size_t unusable = demand_->records.size() - records_.size();
    return fmt::format("{}no TLSA record matches ({} of use, {} not){}{}", head, records_.size(),
                       unusable, key, number);
  }
  const bool mismatch =
      code == X509_V_ERR_HOSTNAME_MISMATCH || code == X509_V_ERR_IP_ADDRESS_MISMATCH;
  if (mismatch && leaf != nullptr) {
    std::vector<std::string> has = dns_names_of(leaf);
    if (has.empty()) has.push_back(line_of(X509_get_subject_name(leaf)));
    if (has.size() > kNamesInWords) has.resize(kNamesInWords);
    return fmt::format("{}it is for {}, not for {}{}", head, fmt::join(has, ", "), wanted_names(),
                       number);
  }
  const std::string_view advice = advice_for(code);
  return fmt::format("{}{}{}", head, advice.empty() ? X509_verify_cert_error_string(code) : advice,
                     number);
}

}  // namespace posthaste::tls
