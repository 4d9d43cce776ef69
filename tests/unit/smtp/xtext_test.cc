#include "lib/smtp/xtext.h"

#include <gtest/gtest.h>

namespace posthaste::smtp {
namespace {

TEST(Xtext, IsUndone) {
  EXPECT_EQ(decode_xtext("plain"), "plain");
  EXPECT_EQ(decode_xtext("a+2Bb+3Dc+20d"), "a+b=c d");
  EXPECT_EQ(decode_xtext(""), "");
}

TEST(Xtext, IsRefusedWhereItIsNone) {
  for (const std::string_view bad :
       {"a=b", "a b", "+", "a+2", "+2b", "+G0", "+0A", "+0D", "+7F", "+80", "\x7F", "\xC3\xA9"}) {
    EXPECT_FALSE(decode_xtext(bad)) << bad;
  }
}

TEST(Xtext, HasAUnicodeFormForOrcpt) {
  EXPECT_EQ(decode_utf8_address("\\x{5B57}@example.com", false), "\xE5\xAD\x97@example.com");
  EXPECT_EQ(decode_utf8_address("a\\x{2B}b\\x{20}c\\x{5C}\\x{3D}", false), "a+b c\\=");
  EXPECT_EQ(decode_utf8_address("\\x{1F4EC}\\x{10FFFF}", false),
            "\xF0\x9F\x93\xAC\xF4\x8F\xBF\xBF");
  EXPECT_EQ(decode_utf8_address("\xC3\xA9@example.com", true), "\xC3\xA9@example.com");
}

TEST(Xtext, RefusesUnicodeFormsThatRfc6533DoesNotHave) {
  for (const std::string_view bad :
       {"\\",          "\\x",          "\\x{",       "\\x{5B57", "\\x{5}",    "\\x{}",
        "\\x{5b57}",   "\\y{5B57}",    "\\x{05B57}", "\\x{41}",  "\\x{D800}", "\\x{DFFF}",
        "\\x{110000}", "\\x{1000000}", "\\x{00}",    "\\x{0A}",  "\\x{0D}",   "\\x{7F}",
        "\\x{85}",     "a+b",          "a=b",        "a b",      "\xC3\xA9"}) {
    EXPECT_FALSE(decode_utf8_address(bad, false)) << bad;
  }
  EXPECT_FALSE(decode_utf8_address("\xC3", true));
}

TEST(Xtext, OfOrcptKeepsItsAddressType) {
  EXPECT_EQ(decode_orcpt("rfc822;a+2Bb@example.com", false), "rfc822;a+b@example.com");
  EXPECT_EQ(decode_orcpt("UTF-8;\\x{E9}@example.com", false), "UTF-8;\xC3\xA9@example.com");
  EXPECT_EQ(decode_orcpt("x400;/c+3Dde/", false), "x400;/c=de/");
  for (const std::string_view bad : {"", "rfc822", "rfc822;", ";a@b", "rf c;a", "a<b;c",
                                     "utf-8;+2B", "rfc822;\\x{E9}\xC3\xA9"}) {
    EXPECT_FALSE(decode_orcpt(bad, true)) << bad;
  }
}

}  // namespace
}  // namespace posthaste::smtp
