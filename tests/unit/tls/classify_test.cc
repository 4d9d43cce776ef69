#include "lib/tls/classify.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <cerrno>

namespace posthaste::tls {
namespace {

using policy::TlsFailure;

TlsFailure of_reason(int reason, long verify_code = X509_V_OK) {
  return failure_of({.ssl_error = SSL_ERROR_SSL,
                     .code = ERR_PACK(ERR_LIB_SSL, 0, reason),
                     .verify_code = verify_code});
}

TlsFailure of_errno(int number) {
  return failure_of({.ssl_error = SSL_ERROR_SYSCALL, .sys_errno = number});
}

// The table of docs/tls.md, by the numbers that OpenSSL 3.0 gave when each fault was made.
TEST(Classify, KnowsEveryReasonOfTheTable) {
  EXPECT_EQ(of_reason(1040), TlsFailure::kPeerHandshakeFailure);
  EXPECT_EQ(of_reason(1070), TlsFailure::kProtocolVersion);
  EXPECT_EQ(of_reason(1086), TlsFailure::kProtocolVersion);
  EXPECT_EQ(of_reason(258), TlsFailure::kProtocolVersion);
  EXPECT_EQ(of_reason(267), TlsFailure::kNotTls);
  EXPECT_EQ(of_reason(156), TlsFailure::kNotTls);
  EXPECT_EQ(of_reason(394), TlsFailure::kWeakKeyExchange);
  EXPECT_EQ(of_reason(333), TlsFailure::kWeakSignature);
  EXPECT_EQ(of_reason(338), TlsFailure::kLegacyRenegotiation);
  EXPECT_EQ(of_reason(294), TlsFailure::kClosed);
  EXPECT_EQ(of_reason(159), TlsFailure::kProtocolError);
  EXPECT_EQ(of_reason(328), TlsFailure::kCertRevoked);
  EXPECT_EQ(of_reason(1116), TlsFailure::kClientCertRequired);
  EXPECT_EQ(of_reason(1048), TlsFailure::kPeerRejectedOurCert);
  EXPECT_EQ(of_reason(1071), TlsFailure::kPeerInsufficientSecurity);
  EXPECT_EQ(of_reason(1080), TlsFailure::kPeerInternalError);
  EXPECT_EQ(of_reason(1112), TlsFailure::kPeerUnrecognizedName);
}

TEST(Classify, CallsEveryAlertOfAPeerSomethingButNeverOurOwnError) {
  for (int alert = 0; alert <= 255; ++alert) {
    const TlsFailure failure = of_reason(1000 + alert);
    EXPECT_NE(failure, TlsFailure::kLocalError) << alert;
    EXPECT_NE(failure, TlsFailure::kNone) << alert;
  }
  EXPECT_EQ(of_reason(1000 + 20), TlsFailure::kPeerAlertOther);
  EXPECT_EQ(of_reason(1000 + 200), TlsFailure::kPeerAlertOther);
}

TEST(Classify, KnowsEveryVerifyCodeOfTheTable) {
  const auto of_verify = [](long code) { return of_reason(134, code); };
  EXPECT_EQ(of_verify(18), TlsFailure::kCertSelfSigned);
  EXPECT_EQ(of_verify(19), TlsFailure::kCertUntrusted);
  EXPECT_EQ(of_verify(20), TlsFailure::kCertUntrusted);
  EXPECT_EQ(of_verify(21), TlsFailure::kCertUntrusted);
  EXPECT_EQ(of_verify(10), TlsFailure::kCertExpired);
  EXPECT_EQ(of_verify(9), TlsFailure::kCertNotYetValid);
  EXPECT_EQ(of_verify(62), TlsFailure::kCertHostMismatch);
  EXPECT_EQ(of_verify(64), TlsFailure::kCertHostMismatch);
  EXPECT_EQ(of_verify(26), TlsFailure::kCertWrongPurpose);
  EXPECT_EQ(of_verify(23), TlsFailure::kCertRevoked);
  EXPECT_EQ(of_verify(66), TlsFailure::kCertWeak);
  EXPECT_EQ(of_verify(67), TlsFailure::kCertWeak);
  EXPECT_EQ(of_verify(68), TlsFailure::kCertWeak);
  EXPECT_EQ(of_verify(65), TlsFailure::kDaneNoMatch);
  EXPECT_EQ(of_verify(1), TlsFailure::kCertUntrusted);
}

TEST(Classify, TellsWhatTheSocketSaid) {
  EXPECT_EQ(of_errno(0), TlsFailure::kClosed);
  EXPECT_EQ(of_errno(ECONNRESET), TlsFailure::kReset);
  EXPECT_EQ(of_errno(EPIPE), TlsFailure::kReset);
  EXPECT_EQ(of_errno(ETIMEDOUT), TlsFailure::kTimeout);
  EXPECT_EQ(failure_of({.ssl_error = SSL_ERROR_ZERO_RETURN}), TlsFailure::kClosed);
}

TEST(Classify, BlamesNobodyElseForOurOwnTroubles) {
  EXPECT_EQ(of_reason(ERR_R_MALLOC_FAILURE), TlsFailure::kLocalError);
  EXPECT_EQ(of_reason(ERR_R_INTERNAL_ERROR), TlsFailure::kLocalError);
  EXPECT_EQ(of_reason(SSL_R_NO_PROTOCOLS_AVAILABLE), TlsFailure::kLocalError);
  EXPECT_EQ(failure_of({.ssl_error = SSL_ERROR_SSL, .code = ERR_PACK(ERR_LIB_PEM, 0, 100)}),
            TlsFailure::kLocalError);
  EXPECT_EQ(failure_of({.ssl_error = SSL_ERROR_SSL}), TlsFailure::kLocalError);
  for (const int number : {ENETDOWN, ENETUNREACH, EHOSTUNREACH, ENETRESET, EADDRNOTAVAIL, ENOBUFS,
                           ENOMEM, EMFILE, EIO}) {
    EXPECT_EQ(of_errno(number), TlsFailure::kLocalError) << number;
    const OpensslError queued{.ssl_error = SSL_ERROR_SSL, .code = ERR_SYSTEM_FLAG | number};
    EXPECT_EQ(failure_of(queued), TlsFailure::kLocalError) << number;
  }
  for (const long code : {3, 5, 8, 11, 12, 15, 16, 17, 33, 35, 36, 44, 54})
    EXPECT_EQ(of_reason(134, code), TlsFailure::kLocalError) << code;
}

TEST(Classify, TakesTheOldestErrorOfLibsslAndEmptiesTheQueue) {
  ERR_clear_error();
  ERR_raise(ERR_LIB_ASN1, 168);
  ERR_raise(ERR_LIB_SSL, SSL_R_LENGTH_MISMATCH);
  ERR_raise(ERR_LIB_SSL, SSL_R_CERTIFICATE_VERIFY_FAILED);
  const unsigned long code = take_error();
  EXPECT_EQ(ERR_GET_LIB(code), ERR_LIB_SSL);
  EXPECT_EQ(ERR_GET_REASON(code), SSL_R_LENGTH_MISMATCH);
  EXPECT_EQ(ERR_peek_error(), 0U);
  EXPECT_EQ(take_error(), 0U);
}

TEST(Classify, HasWordsThatNameTheNumber) {
  EXPECT_EQ(words_for({.ssl_error = SSL_ERROR_SSL, .code = ERR_PACK(ERR_LIB_SSL, 0, 1040)}),
            "TLS alert 40 (handshake failure) from the peer");
  EXPECT_EQ(
      words_for(
          {.ssl_error = SSL_ERROR_SSL, .code = ERR_PACK(ERR_LIB_SSL, 0, 134), .verify_code = 10}),
      "certificate not accepted: certificate has expired (verify code 10)");
  EXPECT_EQ(
      words_for(
          {.ssl_error = SSL_ERROR_SSL, .code = ERR_PACK(ERR_LIB_SSL, 0, 134), .verify_code = 12}),
      "certificate not accepted, by a fault of ours: CRL has expired (verify code 12)");
  EXPECT_EQ(words_for({.ssl_error = SSL_ERROR_SYSCALL, .sys_errno = ECONNRESET}),
            "Connection reset by peer");
  EXPECT_EQ(words_for({.ssl_error = SSL_ERROR_SYSCALL, .sys_errno = ENETUNREACH}),
            "our own network or system: Network is unreachable");
}

}  // namespace
}  // namespace posthaste::tls
