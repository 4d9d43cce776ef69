#include "lib/tls/classify.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/sslerr.h>
#include <openssl/x509_vfy.h>

#include <cerrno>
#include <cstring>
#include <iterator>

namespace posthaste::tls {
namespace {

using policy::TlsFailure;

template <typename Number>
struct Row {
  Number number;
  TlsFailure failure;
};

// Alerts that the peer sent (RFC 8446 §6.2). OpenSSL keeps their old names for TLS 1.3 too; numbers
// do not lie.
constexpr Row<int> kAlerts[] = {
    {SSL_AD_CLOSE_NOTIFY, TlsFailure::kClosed},
    {SSL_AD_HANDSHAKE_FAILURE, TlsFailure::kPeerHandshakeFailure},
    {41, TlsFailure::kClientCertRequired},  // no_certificate: SSL 3.0, which nobody speaks, but
                                            // some still send it
    {SSL_AD_BAD_CERTIFICATE, TlsFailure::kPeerRejectedOurCert},
    {SSL_AD_UNSUPPORTED_CERTIFICATE, TlsFailure::kPeerRejectedOurCert},
    {SSL_AD_CERTIFICATE_REVOKED, TlsFailure::kPeerRejectedOurCert},
    {SSL_AD_CERTIFICATE_EXPIRED, TlsFailure::kPeerRejectedOurCert},
    {SSL_AD_CERTIFICATE_UNKNOWN, TlsFailure::kPeerRejectedOurCert},
    {SSL_AD_UNKNOWN_CA, TlsFailure::kPeerRejectedOurCert},
    {SSL_AD_ACCESS_DENIED, TlsFailure::kPeerRejectedOurCert},
    {SSL_AD_PROTOCOL_VERSION, TlsFailure::kProtocolVersion},
    {SSL_AD_INSUFFICIENT_SECURITY, TlsFailure::kPeerInsufficientSecurity},
    {SSL_AD_INTERNAL_ERROR, TlsFailure::kPeerInternalError},
    {SSL_AD_INAPPROPRIATE_FALLBACK, TlsFailure::kProtocolVersion},
    {SSL_AD_USER_CANCELLED, TlsFailure::kClosed},
    {SSL_AD_UNRECOGNIZED_NAME, TlsFailure::kPeerUnrecognizedName},
    {SSL_AD_CERTIFICATE_REQUIRED, TlsFailure::kClientCertRequired},
};

// What libssl found wrong itself. Everything else that it says is kProtocolError.
constexpr Row<int> kReasons[] = {
    {SSL_R_WRONG_VERSION_NUMBER, TlsFailure::kNotTls},
    {SSL_R_HTTP_REQUEST, TlsFailure::kNotTls},
    {SSL_R_HTTPS_PROXY_REQUEST, TlsFailure::kNotTls},
    {SSL_R_UNSUPPORTED_PROTOCOL, TlsFailure::kProtocolVersion},
    {SSL_R_WRONG_SSL_VERSION, TlsFailure::kProtocolVersion},
    {SSL_R_UNKNOWN_SSL_VERSION, TlsFailure::kProtocolVersion},
    {SSL_R_VERSION_TOO_LOW, TlsFailure::kProtocolVersion},
    {SSL_R_VERSION_TOO_HIGH, TlsFailure::kProtocolVersion},
    {SSL_R_INAPPROPRIATE_FALLBACK, TlsFailure::kProtocolVersion},
    {SSL_R_DH_KEY_TOO_SMALL, TlsFailure::kWeakKeyExchange},
    {SSL_R_LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED, TlsFailure::kWeakSignature},
    {SSL_R_WRONG_SIGNATURE_TYPE, TlsFailure::kWeakSignature},
    {SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED, TlsFailure::kLegacyRenegotiation},
    {SSL_R_UNEXPECTED_EOF_WHILE_READING, TlsFailure::kClosed},
    {SSL_R_INVALID_STATUS_RESPONSE, TlsFailure::kCertRevoked},
    // As a server: what the client offers has nothing in common with what we take.
    {SSL_R_NO_SHARED_CIPHER, TlsFailure::kPeerHandshakeFailure},
    {SSL_R_NO_SHARED_GROUPS, TlsFailure::kPeerHandshakeFailure},
    {SSL_R_NO_SUITABLE_GROUPS, TlsFailure::kPeerHandshakeFailure},
    {SSL_R_NO_SUITABLE_KEY_SHARE, TlsFailure::kPeerHandshakeFailure},
    {SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, TlsFailure::kPeerHandshakeFailure},
    {SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, TlsFailure::kPeerHandshakeFailure},
    {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, TlsFailure::kClientCertRequired},
    // Ours, and no peer can cure them.
    {SSL_R_NO_CIPHERS_AVAILABLE, TlsFailure::kLocalError},
    {SSL_R_NO_PROTOCOLS_AVAILABLE, TlsFailure::kLocalError},
    {SSL_R_NO_CERTIFICATE_SET, TlsFailure::kLocalError},
    {SSL_R_CA_KEY_TOO_SMALL, TlsFailure::kLocalError},
    {SSL_R_CA_MD_TOO_WEAK, TlsFailure::kLocalError},
    {SSL_R_EE_KEY_TOO_SMALL, TlsFailure::kLocalError},
};

// Why a certificate was not trusted. Everything else is kCertUntrusted.
constexpr Row<long> kVerifyCodes[] = {
    {X509_V_ERR_CERT_NOT_YET_VALID, TlsFailure::kCertNotYetValid},
    {X509_V_ERR_CERT_HAS_EXPIRED, TlsFailure::kCertExpired},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, TlsFailure::kCertSelfSigned},
    {X509_V_ERR_CERT_REVOKED, TlsFailure::kCertRevoked},
    {X509_V_ERR_INVALID_PURPOSE, TlsFailure::kCertWrongPurpose},
    {X509_V_ERR_HOSTNAME_MISMATCH, TlsFailure::kCertHostMismatch},
    {X509_V_ERR_IP_ADDRESS_MISMATCH, TlsFailure::kCertHostMismatch},
    {X509_V_ERR_DANE_NO_MATCH, TlsFailure::kDaneNoMatch},
    {X509_V_ERR_EE_KEY_TOO_SMALL, TlsFailure::kCertWeak},
    {X509_V_ERR_CA_KEY_TOO_SMALL, TlsFailure::kCertWeak},
    {X509_V_ERR_CA_MD_TOO_WEAK, TlsFailure::kCertWeak},
    // Ours, and no peer can cure them: the file of revocation lists, and memory.
    {X509_V_ERR_UNABLE_TO_GET_CRL, TlsFailure::kLocalError},
    {X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, TlsFailure::kLocalError},
    {X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE, TlsFailure::kLocalError},
    {X509_V_ERR_CRL_SIGNATURE_FAILURE, TlsFailure::kLocalError},
    {X509_V_ERR_CRL_NOT_YET_VALID, TlsFailure::kLocalError},
    {X509_V_ERR_CRL_HAS_EXPIRED, TlsFailure::kLocalError},
    {X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD, TlsFailure::kLocalError},
    {X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD, TlsFailure::kLocalError},
    {X509_V_ERR_KEYUSAGE_NO_CRL_SIGN, TlsFailure::kLocalError},
    {X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION, TlsFailure::kLocalError},
    {X509_V_ERR_DIFFERENT_CRL_SCOPE, TlsFailure::kLocalError},
    {X509_V_ERR_CRL_PATH_VALIDATION_ERROR, TlsFailure::kLocalError},
    {X509_V_ERR_OUT_OF_MEM, TlsFailure::kLocalError},
};

// What read(2) and write(2) said that is the peer's doing. Everything else is kLocalError: our
// network (ENETDOWN, ENETUNREACH, EHOSTUNREACH, EADDRNOTAVAIL …) or our machine. The host has not
// failed at TLS then, and nothing follows about plaintext.
constexpr Row<int> kErrnos[] = {
    {0, TlsFailure::kClosed},          {ECONNRESET, TlsFailure::kReset},
    {EPIPE, TlsFailure::kReset},       {ECONNABORTED, TlsFailure::kReset},
    {ETIMEDOUT, TlsFailure::kTimeout},
};

template <typename Table, typename Number>
TlsFailure find(const Table& table, Number number, TlsFailure otherwise) {
  for (const auto& row : table) {
    if (row.number == number) return row.failure;
  }
  return otherwise;
}

// The alert that the peer sent, or -1.
int peer_alert(unsigned long code) {
  if (ERR_SYSTEM_ERROR(code) || ERR_GET_LIB(code) != ERR_LIB_SSL) return -1;
  const int alert = ERR_GET_REASON(code) - SSL_AD_REASON_OFFSET;
  return alert >= 0 && alert <= 255 ? alert : -1;
}

std::string reason_words(unsigned long code) {
  const char* text = ERR_reason_error_string(code);
  return fmt::format("{} ({})", text != nullptr ? text : "an error without words",
                     ERR_GET_REASON(code));
}

}  // namespace

unsigned long take_error() {
  unsigned long chosen = 0;
  bool from_libssl = false;
  while (const unsigned long code = ERR_get_error()) {
    const bool libssl = !ERR_SYSTEM_ERROR(code) && ERR_GET_LIB(code) == ERR_LIB_SSL;
    if (chosen != 0 && (from_libssl || !libssl)) continue;
    chosen = code;
    from_libssl = libssl;
  }
  return chosen;
}

TlsFailure failure_of_verify_code(long verify_code) {
  return find(kVerifyCodes, verify_code, TlsFailure::kCertUntrusted);
}

std::string_view head_for_verify_code(long verify_code) {
  return failure_of_verify_code(verify_code) == TlsFailure::kLocalError
             ? "certificate not accepted, by a fault of ours: "
             : "certificate not accepted: ";
}

TlsFailure failure_of(const OpensslError& error) {
  if (error.ssl_error == SSL_ERROR_ZERO_RETURN) return TlsFailure::kClosed;
  if (error.ssl_error == SSL_ERROR_SYSCALL && error.code == 0) {
    return find(kErrnos, error.sys_errno, TlsFailure::kLocalError);
  }
  if (ERR_SYSTEM_ERROR(error.code)) {
    return find(kErrnos, ERR_GET_REASON(error.code), TlsFailure::kLocalError);
  }
  if (ERR_GET_LIB(error.code) != ERR_LIB_SSL) return TlsFailure::kLocalError;
  if (const int alert = peer_alert(error.code); alert >= 0) {
    return find(kAlerts, alert, TlsFailure::kPeerAlertOther);
  }
  // "Fatal" is OpenSSL's word for want of memory and for its own mistakes.
  if (ERR_FATAL_ERROR(error.code)) return TlsFailure::kLocalError;
  const int reason = ERR_GET_REASON(error.code);
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) return failure_of_verify_code(error.verify_code);
  return find(kReasons, reason, TlsFailure::kProtocolError);
}

std::string words_for(const OpensslError& error) {
  if (error.ssl_error == SSL_ERROR_ZERO_RETURN) return "the peer closed the TLS session";
  if (error.code == 0 || ERR_SYSTEM_ERROR(error.code)) {
    const int number = error.code == 0 ? error.sys_errno : ERR_GET_REASON(error.code);
    if (number == 0) return "the peer closed the connection";
    const bool ours = find(kErrnos, number, TlsFailure::kLocalError) == TlsFailure::kLocalError;
    return fmt::format("{}{}", ours ? "our own network or system: " : "", std::strerror(number));
  }
  if (const int alert = peer_alert(error.code); alert >= 0) {
    return fmt::format("TLS alert {} ({}) from the peer", alert, SSL_alert_desc_string_long(alert));
  }
  if (ERR_GET_LIB(error.code) == ERR_LIB_SSL &&
      ERR_GET_REASON(error.code) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    return fmt::format("{}{} (verify code {})", head_for_verify_code(error.verify_code),
                       X509_verify_cert_error_string(error.verify_code), error.verify_code);
  }
  return reason_words(error.code);
}

std::string take_words() {
  const unsigned long code = take_error();
  return code == 0 ? "no reason given" : reason_words(code);
}

}  // namespace posthaste::tls
