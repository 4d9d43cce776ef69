#include "lib/mail/utf8.h"

#include <gtest/gtest.h>

namespace posthaste::mail {
namespace {

TEST(Utf8, KnowsWholeCharacters) {
  EXPECT_EQ(utf8_length("a"), 1U);
  EXPECT_EQ(utf8_length("\xC3\xA9 and more"), 2U);
  EXPECT_EQ(utf8_length("\xE5\xAD\x97"), 3U);
  EXPECT_EQ(utf8_length("\xF0\x9F\x93\xAC"), 4U);
  EXPECT_EQ(utf8_length(""), 0U);
}

TEST(Utf8, RefusesWhatRfc3629Forbids) {
  for (const std::string_view bad : {
           "\x80", "\xBF",              // a continuation alone
           "\xC3", "\xE5\xAD",          // cut off
           "\xC0\xAF", "\xC1\xBF",      // overlong
           "\xE0\x9F\xBF",              // overlong
           "\xF0\x8F\xBF\xBF",          // overlong
           "\xED\xA0\x80",              // a surrogate
           "\xF4\x90\x80\x80",          // above U+10FFFF
           "\xF5\x80\x80\x80", "\xFF",  // never
           "\xC3\x28", "\xE5\xAD\x28",  // a continuation is missing
       }) {
    EXPECT_EQ(utf8_length(bad), 0U) << testing::PrintToString(bad);
    EXPECT_FALSE(is_utf8(std::string("ok ") + std::string(bad)));
  }
}

TEST(Utf8, EncodesWhatItReads) {
  for (const char32_t point : {U'a', U'\u00E9', U'\u07FF', U'\u0800', U'\uD7FF', U'\uE000',
                               U'\uFFFF', U'\U00010000', U'\U0010FFFF'}) {
    std::string text;
    append_utf8(text, point);
    EXPECT_EQ(utf8_length(text), text.size());
    EXPECT_TRUE(is_utf8(text));
  }
  std::string text;
  append_utf8(text, U'\u5B57');
  EXPECT_EQ(text, "\xE5\xAD\x97");
}

TEST(Utf8, FindsAHighOctetAtAnyPlace) {
  for (std::size_t size = 0; size < 40; ++size) {
    std::string text(size, '\x7F');
    EXPECT_TRUE(is_ascii(text));
    for (std::size_t i = 0; i < size; ++i) {
      text[i] = '\x80';
      EXPECT_FALSE(is_ascii(text)) << i << " of " << size;
      text[i] = '\x7F';
    }
  }
}

}  // namespace
}  // namespace posthaste::mail
