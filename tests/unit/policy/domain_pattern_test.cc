#include "lib/policy/domain_pattern.h"

#include <gtest/gtest.h>

namespace posthaste::policy {
namespace {

TEST(DomainPattern, ANameMatchesItselfAlone) {
  const DomainPattern pattern = parse_domain_pattern("Example.COM.").value();
  EXPECT_TRUE(pattern.matches("example.com"));
  EXPECT_FALSE(pattern.matches("mail.example.com"));
  EXPECT_FALSE(pattern.matches("badexample.com"));
  EXPECT_FALSE(pattern.matches(""));
}

TEST(DomainPattern, AStarMatchesEveryNameBelowButNotTheNameItself) {
  const DomainPattern pattern = parse_domain_pattern("*.example.com").value();
  EXPECT_TRUE(pattern.matches("mail.example.com"));
  EXPECT_TRUE(pattern.matches("a.b.example.com"));
  EXPECT_FALSE(pattern.matches("example.com"));
  EXPECT_FALSE(pattern.matches(".example.com"));
  EXPECT_FALSE(pattern.matches("badexample.com"));
}

TEST(DomainPattern, TakesULabelsUnderscoresAndLiterals) {
  for (const char* text : {"b\xc3\xbc\x63her.example", "_tls.example", "com", "[192.0.2.1]",
                           "[IPv6:2001:db8::1]", "*.com"}) {
    EXPECT_TRUE(parse_domain_pattern(text)) << text;
  }
}

TEST(DomainPattern, RefusesWhatMatchesNoDomain) {
  const std::string long_label = std::string(64, 'a') + ".example";
  std::string long_name;
  for (int i = 0; i < 64; ++i) long_name += "abc.";
  for (const std::string& text :
       {std::string(), std::string("*"), std::string("*."), std::string("a*.example"),
        std::string("*.*.example"), std::string("a..b"), std::string(".a"), std::string("a b"),
        std::string("user@example"), std::string("[]"), std::string("[mail]"), long_label,
        long_name + "example"}) {
    const auto pattern = parse_domain_pattern(text);
    ASSERT_FALSE(pattern) << text;
    EXPECT_EQ(pattern.error().code, ErrorCode::kInvalid);
    EXPECT_NE(pattern.error().words.find("\"" + text + "\""), std::string::npos);
  }
}

}  // namespace
}  // namespace posthaste::policy
