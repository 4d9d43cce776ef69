#include "lib/tls/staple.h"

#include <openssl/ocsp.h>
#include <openssl/x509_vfy.h>

#include "lib/tls/classify.h"

namespace posthaste::tls {
namespace {

constexpr long kSkewSeconds = 300;
constexpr long kAgeSecondsMax = 7L * 24 * 3600;

using ResponsePtr = std::unique_ptr<OCSP_RESPONSE, FreeWith<OCSP_RESPONSE_free>>;
using BasicPtr = std::unique_ptr<OCSP_BASICRESP, FreeWith<OCSP_BASICRESP_free>>;
using CertIdPtr = std::unique_ptr<OCSP_CERTID, FreeWith<OCSP_CERTID_free>>;
using StorePtr = std::unique_ptr<X509_STORE, FreeWith<X509_STORE_free>>;
struct FreeStack {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }
};
using StackPtr = std::unique_ptr<STACK_OF(X509), FreeStack>;  // of certificates that others own

BasicPtr parse(std::string_view der) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  const ResponsePtr response(d2i_OCSP_RESPONSE(nullptr, &bytes, static_cast<long>(der.size())));
  if (!response || OCSP_response_status(response.get()) != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
    return nullptr;
  }
  return BasicPtr(OCSP_response_get1_basic(response.get()));
}

// Signed by the certificate's issuer, or by whom it has appointed. Whoever issued the leaf has been
// found good already, by a root or a TLSA record: here he is trusted as he stands.
bool signed_by_issuers(OCSP_BASICRESP* basic, STACK_OF(X509) * chain) {
  const StorePtr store(X509_STORE_new());
  const StackPtr issuers(sk_X509_new_null());
  if (!store || !issuers) return false;
  X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN);
  for (int i = 1; i < sk_X509_num(chain); ++i) {
    X509* issuer = sk_X509_value(chain, i);
    if (X509_STORE_add_cert(store.get(), issuer) != 1) return false;
    if (sk_X509_push(issuers.get(), issuer) == 0) return false;
  }
  return OCSP_basic_verify(basic, issuers.get(), store.get(), 0) == 1;
}

// Whether a single response is about the leaf, with whatever digest the responder names it.
bool is_about(OCSP_SINGLERESP* single, STACK_OF(X509) * chain) {
  auto* id = const_cast<OCSP_CERTID*>(OCSP_SINGLERESP_get0_id(single));
  ASN1_OBJECT* algorithm = nullptr;
  if (OCSP_id_get0_info(nullptr, &algorithm, nullptr, nullptr, id) != 1) return false;
  const EVP_MD* digest = EVP_get_digestbyobj(algorithm);
  if (digest == nullptr) return false;
  const CertIdPtr ours(OCSP_cert_to_id(digest, sk_X509_value(chain, 0), sk_X509_value(chain, 1)));
  return ours && OCSP_id_cmp(ours.get(), id) == 0;
}

Staple status_in(OCSP_SINGLERESP* single) {
  ASN1_GENERALIZEDTIME* from = nullptr;
  ASN1_GENERALIZEDTIME* until = nullptr;
  const int status = OCSP_single_get0_status(single, nullptr, nullptr, &from, &until);
  if (OCSP_check_validity(from, until, kSkewSeconds, until == nullptr ? kAgeSecondsMax : -1) != 1) {
    return Staple::kUnusable;
  }
  if (status == V_OCSP_CERTSTATUS_REVOKED) return Staple::kRevoked;
  return status == V_OCSP_CERTSTATUS_GOOD ? Staple::kGood : Staple::kUnusable;
}

Staple status_in(OCSP_BASICRESP* basic, STACK_OF(X509) * chain) {
  for (int i = 0; i < OCSP_resp_count(basic); ++i) {
    OCSP_SINGLERESP* single = OCSP_resp_get0(basic, i);
    if (is_about(single, chain)) return status_in(single);
  }
  return Staple::kUnusable;
}

}  // namespace

Staple read_staple(std::string_view response, STACK_OF(X509) * chain) {
  if (response.empty()) return Staple::kAbsent;
  Staple found = Staple::kUnusable;
  const BasicPtr basic = parse(response);
  if (basic && sk_X509_num(chain) > 1 && signed_by_issuers(basic.get(), chain)) {
    found = status_in(basic.get(), chain);
  }
  (void)take_error();  // OpenSSL has its words for each of these
  return found;
}

}  // namespace posthaste::tls
