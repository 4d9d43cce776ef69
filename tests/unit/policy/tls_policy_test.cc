#include "lib/policy/tls_policy.h"

#include <gtest/gtest.h>

namespace posthaste::policy {
namespace {

TEST(TlsPolicy, NamesAreWhatTheConfigurationSays) {
  EXPECT_EQ(name(TlsLevel::kNone), "none");
  EXPECT_EQ(name(TlsLevel::kMay), "may");
  EXPECT_EQ(name(TlsLevel::kDane), "dane");
  EXPECT_EQ(name(TlsLevel::kEncrypt), "encrypt");
  EXPECT_EQ(name(TlsLevel::kDaneOnly), "dane-only");
  EXPECT_EQ(name(TlsLevel::kFingerprint), "fingerprint");
  EXPECT_EQ(name(TlsLevel::kVerify), "verify");
  EXPECT_EQ(name(TlsLevel::kSecure), "secure");
  EXPECT_EQ(name(TlsConnect::kStartTls), "starttls");
  EXPECT_EQ(name(TlsConnect::kImplicit), "implicit");
  EXPECT_EQ(name(OnTlsFailure::kPlaintext), "plaintext");
  EXPECT_EQ(name(OnTlsFailure::kDefer), "defer");
  EXPECT_EQ(name(OnTlsFailure::kBounce), "bounce");
  EXPECT_EQ(name(OcspStapling::kIgnore), "ignore");
  EXPECT_EQ(name(OcspStapling::kRequire), "require");
}

TEST(TlsPolicy, TheBuiltInOneIsOpportunistic) {
  const TlsPolicy built_in;
  EXPECT_FALSE(encrypts(built_in.level));
  EXPECT_TRUE(built_in.dane);
  EXPECT_TRUE(built_in.mta_sts);
  EXPECT_TRUE(built_in.strip_guard);
}

}  // namespace
}  // namespace posthaste::policy
