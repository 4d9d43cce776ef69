#include "lib/mail/address.h"

#include <gtest/gtest.h>

namespace posthaste::mail {
namespace {

std::string times(std::size_t count, std::string_view what) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += what;
  return text;
}

struct Good {
  std::string_view text, local, domain;
};

TEST(Mailbox, TakesWhatRfc5321Allows) {
  constexpr Good kTable[] = {
      {"user@example.com", "user", "example.com"},
      {"User.Name+tag@EXAMPLE.com", "User.Name+tag", "EXAMPLE.com"},
      {"!#$%&'*+-/=?^_`{|}~@a-b.example", "!#$%&'*+-/=?^_`{|}~", "a-b.example"},
      {"a@b", "a", "b"},
      {"1@1.2.3.example", "1", "1.2.3.example"},
      {"\"a b\"@example.com", "\"a b\"", "example.com"},
      {"\"a@b\"@example.com", "\"a@b\"", "example.com"},
      {"\"a\\\"b\\\\\"@example.com", "\"a\\\"b\\\\\"", "example.com"},
      {"\"\"@example.com", "\"\"", "example.com"},
      {"a@[192.0.2.1]", "a", "[192.0.2.1]"},
      {"a@[IPv6:2001:db8::1]", "a", "[IPv6:2001:db8::1]"},
      {"a@[ipv6:::1]", "a", "[ipv6:::1]"},
  };
  for (const Good& good : kTable) {
    const auto mailbox = parse_mailbox(good.text, false);
    ASSERT_TRUE(mailbox) << good.text << ": " << mailbox.error().words;
    EXPECT_EQ(mailbox->text(), good.text);
    EXPECT_EQ(mailbox->local(), good.local);
    EXPECT_EQ(mailbox->domain(), good.domain);
    EXPECT_TRUE(mailbox->ascii());
    EXPECT_FALSE(mailbox->null());
    EXPECT_EQ(Mailbox::trusted(std::string(good.text)), *mailbox);
  }
}

TEST(Mailbox, IgnoresASourceRoute) {
  const auto mailbox = parse_mailbox("@one.example,@two.example:user@example.com", false);
  ASSERT_TRUE(mailbox);
  EXPECT_EQ(mailbox->text(), "user@example.com");
}

struct Bad {
  std::string_view text, words;
};

TEST(Mailbox, SaysWhatIsWrong) {
  constexpr Bad kTable[] = {
      {"", "the address is empty"},
      {"@one.example:", "the address is empty"},
      {"user", "the address has no domain"},
      {"user@", "the domain is empty"},
      {"@example.com", "the local part is empty"},
      {".user@example.com", "the local part has a dot at its end or two in a row"},
      {"user.@example.com", "the local part has a dot at its end or two in a row"},
      {"us..er@example.com", "the local part has a dot at its end or two in a row"},
      {"us er@example.com", "the local part has a character that is not allowed"},
      {"us\"er@example.com", "the local part has a character that is not allowed"},
      {"us\ter@example.com", "the local part has a character that is not allowed"},
      {"a@b@example.com", "the domain has a character that is not allowed"},
      {"\"a@example.com", "the quoted local part has no closing quote"},
      {"\"a\\", "the quoted local part ends in a lone backslash"},
      {"\"a\r\"@example.com", "the quoted local part has a character that is not allowed"},
      {"\"a\"b@example.com", "the quoted local part is not followed by \"@\""},
      {"\"a\"", "the address has no domain"},
      {"a@example.com.", "the domain has an empty label"},
      {"a@.example.com", "the domain has an empty label"},
      {"a@example..com", "the domain has an empty label"},
      {"a@-example.com", "a label of the domain begins or ends with a hyphen"},
      {"a@example-.com", "a label of the domain begins or ends with a hyphen"},
      {"a@ex_ample.com", "the domain has a character that is not allowed"},
      {"a@example.com>", "the domain has a character that is not allowed"},
      {"a@[192.0.2.1", "the address literal has no closing bracket"},
      {"a@[", "the address literal has no closing bracket"},
      {"a@[192.0.2]", "the address literal is neither [IPv4] nor [IPv6:address]"},
      {"a@[2001:db8::1]", "the address literal is neither [IPv4] nor [IPv6:address]"},
      {"a@[IPv6:192.0.2.1]", "the address literal is neither [IPv4] nor [IPv6:address]"},
      {"a@[x400:c=de]", "the address literal is neither [IPv4] nor [IPv6:address]"},
      {"a@[]", "the address literal is neither [IPv4] nor [IPv6:address]"},
      {"\xC3\xA9@example.com",
       "the local part has octets above 127, which need SMTPUTF8 and have to be valid UTF-8"},
  };
  for (const Bad& bad : kTable) {
    const auto mailbox = parse_mailbox(bad.text, false);
    ASSERT_FALSE(mailbox) << bad.text;
    EXPECT_EQ(mailbox.error().code, ErrorCode::kInvalid);
    EXPECT_EQ(mailbox.error().words, bad.words) << bad.text;
  }
}

TEST(Mailbox, TakesUtf8OnlyWhereItIsAllowed) {
  const std::string_view text = "\xE7\x94\xA8\xE6\x88\xB7@\xE4\xBE\x8B\xE5\xAD\x90.example";
  EXPECT_FALSE(parse_mailbox(text, false));
  const auto mailbox = parse_mailbox(text, true);
  ASSERT_TRUE(mailbox) << mailbox.error().words;
  EXPECT_FALSE(mailbox->ascii());
  EXPECT_EQ(mailbox->domain(), "\xE4\xBE\x8B\xE5\xAD\x90.example");
  EXPECT_TRUE(parse_mailbox("\"\xC3\xA9 \"@example.com", true));
  EXPECT_FALSE(parse_mailbox("\xC3@example.com", true));
  EXPECT_FALSE(parse_mailbox("a@\xED\xA0\x80.example", true));
}

TEST(Mailbox, HoldsTheLimitsOfRfc5321) {
  EXPECT_TRUE(parse_mailbox(times(64, "a") + "@example.com", false));
  EXPECT_EQ(parse_mailbox(times(65, "a") + "@example.com", false).error().words,
            "the local part is longer than 64 octets");
  EXPECT_TRUE(parse_mailbox("a@" + times(63, "b") + ".example", false));
  EXPECT_EQ(parse_mailbox("a@" + times(64, "b") + ".example", false).error().words,
            "the domain has a label of more than 63 octets");
  const std::string long_domain = times(126, "b.") + "b";  // 253 octets
  EXPECT_EQ(parse_mailbox("a@" + long_domain, false).error().words,
            "the address is longer than 254 octets");
  EXPECT_TRUE(parse_mailbox("a@" + long_domain.substr(2), false));
  EXPECT_TRUE(check_domain(times(127, "b.") + "b", false));
  EXPECT_EQ(check_domain(times(128, "b.") + "b", false).error().words,
            "the domain is longer than 255 octets");
}

TEST(Mailbox, IsRoutedByItsFoldedDomain) {
  EXPECT_EQ(routing_domain(Mailbox::trusted("A@EXAMPLE.Com")).text(), "example.com");
  EXPECT_EQ(routing_domain(Mailbox::trusted("a@[IPv6:2001:DB8::1]")).text(), "[ipv6:2001:db8::1]");
}

TEST(Mailbox, IsNullWithoutText) {
  EXPECT_TRUE(Mailbox().null());
  EXPECT_TRUE(Mailbox::trusted("").null());
  EXPECT_EQ(Mailbox().domain(), "");
  EXPECT_EQ(Mailbox().local(), "");
}

}  // namespace
}  // namespace posthaste::mail
