#include "lib/report/plain_text.h"

#include <gtest/gtest.h>

namespace posthaste::report {
namespace {

TEST(PlainText, OneLineHasNoControlsAndFitsTheCharset) {
  EXPECT_EQ(one_line("  a\r\nb\tc  d \x7F ", Charset::kAscii), "a b c  d");
  EXPECT_EQ(one_line("gr\xC3\xBC\xC3\x9F", Charset::kAscii), "gr????");
  EXPECT_EQ(one_line("gr\xC3\xBC\xC3\x9F", Charset::kUtf8), "gr\xC3\xBC\xC3\x9F");
  EXPECT_EQ(one_line("gr\xFC\xDF \xC3\xBC", Charset::kUtf8), "gr?? ??");
  EXPECT_EQ(one_line("", Charset::kUtf8), "");
  EXPECT_EQ(one_line("\r\n", Charset::kUtf8), "");
}

TEST(PlainText, OneLineIsCutBetweenCharacters) {
  const std::string text = "ab\xC3\xBC\xE2\x82\xAC";
  const char* cuts[] = {"",           "a",          "ab",         "ab",
                        "ab\xC3\xBC", "ab\xC3\xBC", "ab\xC3\xBC", "ab\xC3\xBC\xE2\x82\xAC"};
  for (std::size_t i = 0; i < std::size(cuts); ++i)
    EXPECT_EQ(one_line(text, Charset::kUtf8, i), cuts[i]);
}

std::string field(std::string_view value) {
  std::string into;
  append_field(into, "Name", value);
  return into;
}

TEST(PlainText, FieldsAreFoldedAtSpacesSoThatUnfoldingGivesThemBack) {
  EXPECT_EQ(field("value"), "Name: value\r\n");
  EXPECT_EQ(field(""), "Name: \r\n");
  std::string value;
  for (int i = 0; i < 60; ++i)
    value += (i == 0 ? "" : " ") + std::string(1 + static_cast<std::size_t>(i) % 13, 'x');
  const std::string folded = field(value);
  std::string unfolded;
  std::size_t start = 0;
  for (std::size_t end = folded.find("\r\n"); end != std::string::npos;
       end = folded.find("\r\n", start)) {
    EXPECT_LE(end - start, 76U);
    unfolded += folded.substr(start, end - start);
    start = end + 2;
  }
  EXPECT_EQ(unfolded, "Name: " + value);
}

TEST(PlainText, NoFoldedLineIsBlank) {
  EXPECT_EQ(field(std::string(70, 'a') + "  b"), "Name: " + std::string(70, 'a') + "\r\n  b\r\n");
  std::string folded = field("a" + std::string(300, ' ') + "b c");
  EXPECT_EQ(folded.find("\r\n"), 76U);
  EXPECT_EQ(folded.find("b\r\n c\r\n"), folded.size() - 7);
  EXPECT_EQ(folded.find("\r\n", 78), folded.size() - 6) << "the blanks stay with what follows";
}

TEST(PlainText, WordsWithoutEndAreBroken) {
  const std::string folded = field(std::string(2500, 'x'));
  EXPECT_EQ(folded.find("\r\n"), 6 + 900U);
  EXPECT_EQ(folded.substr(906, 4), "\r\n x");
}

TEST(PlainText, TextIsWrappedWithItsIndent) {
  std::string text;
  append_wrapped(text, "  ", "short");
  EXPECT_EQ(text, "  short\r\n");
  text.clear();
  append_wrapped(
      text, "> ",
      std::string(40, 'a') + " " + std::string(40, 'b') + " " + std::string(200, 'c') + " d");
  EXPECT_EQ(text, "> " + std::string(40, 'a') + "\r\n> " + std::string(40, 'b') + "\r\n> " +
                      std::string(200, 'c') + "\r\n> d\r\n");
}

TEST(PlainText, MailTextHasCrlfAndLinesOfAtMost998Octets) {
  EXPECT_TRUE(is_mail_text(""));
  EXPECT_TRUE(is_mail_text("a\r\n\r\nb"));
  EXPECT_TRUE(is_mail_text(std::string(998, 'x') + "\r\n"));
  EXPECT_FALSE(is_mail_text(std::string(999, 'x') + "\r\n"));
  EXPECT_FALSE(is_mail_text("a\nb\r\n"));
  EXPECT_FALSE(is_mail_text("a\rb\r\n"));
  EXPECT_FALSE(is_mail_text("a\r\r\n"));
  EXPECT_FALSE(is_mail_text("a\r"));
  EXPECT_FALSE(is_mail_text(std::string_view("a\0b", 3)));
}

TEST(PlainText, QuotedPrintableKeepsLinesShortAndLosesNothing) {
  EXPECT_EQ(quoted_printable("a=b\r\n"), "a=3Db\r\n");
  EXPECT_EQ(quoted_printable("a \r\nb\t"), "a=20\r\nb=09");
  EXPECT_EQ(quoted_printable("a b"), "a b");
  EXPECT_EQ(quoted_printable("\xC3\xBC\n\r"), "=C3=BC=0A=0D");
  EXPECT_EQ(quoted_printable(std::string(80, 'x')),
            std::string(75, 'x') + "=\r\n" + std::string(5, 'x'));
  EXPECT_EQ(quoted_printable(std::string(74, 'x') + "="), std::string(74, 'x') + "=\r\n=3D");
}

}  // namespace
}  // namespace posthaste::report
