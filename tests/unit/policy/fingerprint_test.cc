#include "lib/policy/fingerprint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace posthaste::policy {
namespace {

const std::string kDigits = "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";

std::string with_colons(const std::string& digits) {
  std::string text;
  for (std::size_t at = 0; at < digits.size(); at += 2) {
    if (at > 0) text += ':';
    text += digits.substr(at, 2);
  }
  return text;
}

TEST(Fingerprint, IsReadInEitherCaseWithOrWithoutColons) {
  const auto plain = parse_fingerprint("sha256:" + kDigits);
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->size(), 32U);
  EXPECT_EQ((*plain)[1], '\x11');
  EXPECT_EQ((*plain)[31], '\xFF');
  EXPECT_EQ(parse_fingerprint("sha256:" + with_colons(kDigits)).value(), *plain);
  EXPECT_EQ(render_fingerprint(*plain),
            "sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
}

TEST(Fingerprint, NothingElseIsOne) {
  std::string wrong_colon = with_colons(kDigits);
  wrong_colon[2] = '-';
  for (const std::string& text :
       {std::string(), kDigits, std::string("sha256:"), "sha1:" + kDigits.substr(0, 40),
        "sha256:" + kDigits.substr(2), "sha256:" + kDigits + "00", "sha256:g" + kDigits.substr(1),
        "sha256:" + wrong_colon, "sha256:" + with_colons(kDigits) + ":"}) {
    const auto refused = parse_fingerprint(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(refused.error().words, ::testing::HasSubstr("64 hexadecimal digits"));
  }
}

}  // namespace
}  // namespace posthaste::policy
