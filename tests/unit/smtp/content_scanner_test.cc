#include "lib/smtp/content_scanner.h"

#include <gtest/gtest.h>

#include <string>

namespace posthaste::smtp {
namespace {

struct Scanned {
  std::string content;
  std::string rest;  // after the terminator
  bool ended = false, bare = false, after_cr = false, at_line_start = false;
  friend bool operator==(const Scanned&, const Scanned&) = default;
};

Scanned scan(std::string_view wire, Framing framing, std::size_t octets_per_read) {
  ContentScanner scanner(framing);
  Scanned scanned;
  while (!wire.empty() && !scanned.ended) {
    const auto step = scanner.next(wire.substr(0, octets_per_read));
    EXPECT_GT(step.consumed, 0U);
    scanned.content += step.run;
    scanned.ended = step.ended;
    wire.remove_prefix(step.consumed);
  }
  scanned.rest = wire;
  scanned.bare = scanner.bare_line_end();
  scanned.after_cr = scanner.after_cr();
  scanned.at_line_start = scanner.at_line_start();
  return scanned;
}

struct Row {
  std::string_view wire;
  std::string_view content;  // not looked at when bare
  std::string_view rest;
  bool ended;
  bool bare;
};

constexpr Row kTable[] = {
    {".\r\n", "", "", true, false},
    {".\r\nQUIT\r\n", "", "QUIT\r\n", true, false},
    {"a\r\n.\r\n", "a\r\n", "", true, false},
    {"..\r\n.a\r\n...\r\n.\r\n", ".\r\na\r\n..\r\n", "", true, false},
    {"a.\r\n.\r\n", "a.\r\n", "", true, false},
    {"\r\n\r\n.\r\nx", "\r\n\r\n", "x", true, false},
    {"a\r\n.", "a\r\n", "", false, false},
    {"a\r\n.\r", "a\r\n", "", false, false},
    {"a", "a", "", false, false},
    // What looks like the end to somebody, and is none (SMTP smuggling).
    {"a\n.\nMAIL\r\n", "", "", false, true},
    {"a\n.\r\nMAIL\r\n", "", "", false, true},
    {"a\r\n.\nMAIL\r\n", "", "", false, true},
    {"a\r.\r\nMAIL\r\n", "", "", false, true},
    {"a\r.\rMAIL\r\n", "", "", false, true},
    {"a\r\n.\rMAIL\r\n", "", "", false, true},
    {"a\r\n.\r\r\nMAIL\r\n", "", "", false, true},
    {"a\r\r\n.\r\r\nMAIL\r\n", "", "", false, true},
    {"a\n\r\n.\r\n", "", "", true, true},
    {"a\r\r\n.\r\n", "", "", true, true},
    {"\n.\r\nb\r\n.\r\nc", "", "c", true, true},
    {"\r.\r\nb\r\n.\r\nc", "", "c", true, true},
    {"\r\n.\rb\r\n.\r\nc", "", "c", true, true},
    {"\r\n.\nb\r\n.\r\nc", "", "c", true, true},
    {"\r\n.\r.\r\n.\r\nc", "", "c", true, true},
};

TEST(ContentScanner, EndsAtCrlfDotCrlfAlone) {
  for (const Row& row : kTable) {
    const Scanned scanned = scan(row.wire, Framing::kDotStuffed, row.wire.size());
    EXPECT_EQ(scanned.ended, row.ended) << testing::PrintToString(row.wire);
    EXPECT_EQ(scanned.bare, row.bare) << testing::PrintToString(row.wire);
    EXPECT_EQ(scanned.rest, row.rest) << testing::PrintToString(row.wire);
    if (row.bare) continue;
    EXPECT_EQ(scanned.content, row.content) << testing::PrintToString(row.wire);
  }
}

TEST(ContentScanner, DoesNotCareHowTheWireIsCut) {
  for (const Framing framing : {Framing::kDotStuffed, Framing::kCounted}) {
    for (const Row& row : kTable) {
      const Scanned whole = scan(row.wire, framing, row.wire.size());
      for (std::size_t octets = 1; octets < row.wire.size(); ++octets) {
        EXPECT_EQ(scan(row.wire, framing, octets), whole) << testing::PrintToString(row.wire);
      }
    }
  }
}

TEST(ContentScanner, LeavesDotsAloneWhereContentIsCounted) {
  const Scanned scanned = scan("..\r\n.\r\na", Framing::kCounted, 100);
  EXPECT_EQ(scanned.content, "..\r\n.\r\na");
  EXPECT_FALSE(scanned.ended);
  EXPECT_FALSE(scanned.at_line_start);
  EXPECT_FALSE(scanned.bare);
  EXPECT_TRUE(scan("a\r", Framing::kCounted, 100).after_cr);
  EXPECT_TRUE(scan("a\nb", Framing::kCounted, 100).bare);
  EXPECT_TRUE(scan("a\r\n", Framing::kCounted, 100).at_line_start);
}

TEST(ContentScanner, GivesContentWithoutDotsInOneRun) {
  ContentScanner scanner(Framing::kDotStuffed);
  std::string wire;
  for (int line = 0; line < 60; ++line) wire += std::string(70, 'x') + "\r\n";
  const auto step = scanner.next(wire);
  EXPECT_EQ(step.run.data(), wire.data());
  EXPECT_EQ(step.run.size(), wire.size());
}

TEST(ContentScanner, NoticesALineThatIsTooLong) {
  const auto too_long = [](std::size_t octets, std::size_t octets_per_read) {
    ContentScanner scanner(Framing::kDotStuffed);
    std::string wire = "a\r\n" + std::string(octets, 'x') + "\r\n.\r\n";
    for (std::string_view rest = wire; !rest.empty();) {
      rest.remove_prefix(scanner.next(rest.substr(0, octets_per_read)).consumed);
    }
    return scanner.line_too_long();
  };
  const std::size_t most = ContentScanner::kLineOctetsMax - 1;  // its CR counts
  for (const std::size_t octets_per_read : {1U, 1000U, 1U << 20}) {
    EXPECT_FALSE(too_long(most, octets_per_read));
    EXPECT_TRUE(too_long(most + 1, octets_per_read));
  }
}

}  // namespace
}  // namespace posthaste::smtp
