#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/tls/context_builder.h"
#include "tests/unit/tls/test_peer.h"

namespace posthaste::tls {
namespace {

using policy::TlsProfile;
using policy::TlsVersion;
using ::testing::AllOf;
using ::testing::HasSubstr;

void expect_error(const TlsProfile& profile, ErrorCode code, const char* field, const char* word) {
  const auto made = ClientContext::make(profile);
  ASSERT_FALSE(made) << field;
  EXPECT_EQ(made.error().code, code) << made.error().words;
  EXPECT_THAT(made.error().words,
              AllOf(HasSubstr("TLS profile modern"), HasSubstr(field), HasSubstr(word)));
}

TEST(ClientContext, NamesTheFieldAndTheWordThatOpensslDoesNotKnow) {
  TlsProfile profile = policy::modern_profile();
  profile.ciphers = "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES129-GCM-SHA256:!aNULL";
  expect_error(profile, ErrorCode::kUnsupported, "ciphers", "ECDHE-RSA-AES129-GCM-SHA256");
  profile = policy::modern_profile();
  profile.ciphersuites = "TLS_AES_128_GCM_SHA256:TLS_AES_999_GCM_SHA256";
  expect_error(profile, ErrorCode::kUnsupported, "ciphersuites", "TLS_AES_999_GCM_SHA256");
  profile = policy::modern_profile();
  profile.groups = "X25519:X25519MLKEM768";
  expect_error(profile, ErrorCode::kUnsupported, "groups", "X25519MLKEM768");
  profile = policy::modern_profile();
  profile.signature_algorithms = "ECDSA+SHA256:RSA+SHA257";
  expect_error(profile, ErrorCode::kUnsupported, "signature_algorithms", "RSA+SHA257");
}

TEST(ClientContext, RefusesWhatIsEmptyOrUpsideDown) {
  TlsProfile profile = policy::modern_profile();
  profile.groups.clear();
  expect_error(profile, ErrorCode::kInvalid, "groups", "empty");
  profile = policy::modern_profile();
  profile.ciphers.clear();
  expect_error(profile, ErrorCode::kInvalid, "ciphers", "empty");
  profile = policy::modern_profile();
  profile.min_version = TlsVersion::kTls13;
  profile.max_version = TlsVersion::kTls12;
  expect_error(profile, ErrorCode::kInvalid, "min_version", "max_version");
  profile = policy::modern_profile();
  profile.security_level = 6;
  expect_error(profile, ErrorCode::kInvalid, "security_level", "5");
}

TEST(ClientContext, TakesTheProfilesOfALadder) {
  for (const auto& profile : {policy::modern_profile(), compat_profile(), antique_profile()}) {
    const auto made = ClientContext::make(profile);
    EXPECT_TRUE(made) << made.error().words;
  }
  TlsProfile newest = policy::modern_profile();
  newest.min_version = TlsVersion::kTls13;
  newest.ciphers.clear();
  EXPECT_TRUE(ClientContext::make(newest)) << "TLS 1.2's ciphers do not matter then";
}

TEST(ClientContext, NamesACaFileThatIsOfNoUse) {
  const CertificateFolder folder;
  const auto missing = ClientContext::make(policy::modern_profile(), {folder.path("none.pem"), ""});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(missing.error().words, HasSubstr("CA file"));
  const auto empty =
      ClientContext::make(policy::modern_profile(), {folder.write("empty.pem", "nothing"), ""});
  ASSERT_FALSE(empty);
  EXPECT_THAT(empty.error().words, HasSubstr("holds no certificate"));
}

TEST(ContextBuilder, SetsEveryFieldAndLeavesNothingToTheSystem) {
  for (const Side side : {Side::kClient, Side::kServer}) {
    TlsProfile profile = policy::modern_profile();
    profile.ciphers += ":@SECLEVEL=0";
    auto built = build_context(side, profile);
    ASSERT_TRUE(built) << built.error().words;
    SSL_CTX* context = built->get();
    EXPECT_EQ(SSL_CTX_get_min_proto_version(context), TLS1_2_VERSION);
    EXPECT_EQ(SSL_CTX_get_max_proto_version(context), TLS1_3_VERSION);
    EXPECT_EQ(SSL_CTX_get_security_level(context), profile.security_level)
        << "whatever the cipher list says";
    const auto options = SSL_CTX_get_options(context);
    EXPECT_NE(options & SSL_OP_NO_COMPRESSION, 0U);
    EXPECT_NE(options & SSL_OP_NO_RENEGOTIATION, 0U);
    EXPECT_EQ(options & SSL_OP_LEGACY_SERVER_CONNECT, 0U);
    EXPECT_EQ(options & SSL_OP_ALLOW_NO_DHE_KEX, 0U);
    const auto mode = SSL_CTX_get_mode(context);
    EXPECT_NE(mode & SSL_MODE_RELEASE_BUFFERS, 0);
    EXPECT_NE(mode & SSL_MODE_ENABLE_PARTIAL_WRITE, 0);
    EXPECT_NE(mode & SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER, 0);
    EXPECT_EQ(SSL_CTX_get_read_ahead(context), 1);
    const STACK_OF(SSL_CIPHER)* ciphers = SSL_CTX_get_ciphers(context);
    EXPECT_EQ(sk_SSL_CIPHER_num(ciphers), 3 + 6);
  }
}

}  // namespace
}  // namespace posthaste::tls
