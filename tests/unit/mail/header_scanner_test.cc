#include "lib/mail/header_scanner.h"

#include <gtest/gtest.h>

#include <string>

#include "lib/mail/history.h"

namespace posthaste::mail {
namespace {

struct Case {
  std::string_view content;
  unsigned received;
  bool done;
};

constexpr Case kTable[] = {
    {"", 0, false},
    {"Subject: x\r\n", 0, false},
    {"Subject: x\r\n\r\nReceived: body\r\n", 0, true},
    {"\r\nReceived: body\r\n", 0, true},
    {"Received: a\r\nRECEIVED: b\r\nreceived\t : c\r\n\r\n", 3, true},
    {"Received: a\r\n\tfolded\r\n Received: folded too\r\n\r\n", 1, true},
    {"X-Received: a\r\nReceived-SPF: b\r\nReceive: c\r\nreceivedx: d\r\n\r\n", 0, true},
    {"Received\r\n: a\r\n\r\n", 0, true},
    {"ReReceived: a\r\n\r\n", 0, true},
    {"Subject: a\rb\nc\r\n\r\n", 0, true},
    {"Subject: a\n\nReceived: x\r\n\r\n", 0, true},
    {"a\r\n\rReceived: x\r\n\r\n", 0, true},
};

// The octets before the empty line, found the slow way.
std::size_t header_bytes(std::string_view content) {
  if (content.starts_with("\r\n")) return 0;
  const auto empty_line = content.find("\r\n\r\n");
  return empty_line == std::string_view::npos ? content.size() : empty_line + 2;
}

void expect(const Case& row, const HeaderScanner& scanner) {
  EXPECT_EQ(scanner.received_fields(), row.received) << row.content;
  EXPECT_EQ(scanner.done(), row.done) << row.content;
  EXPECT_EQ(scanner.header_bytes(), header_bytes(row.content)) << row.content;
}

TEST(HeaderScanner, CountsReceivedFieldsAndFindsTheEmptyLine) {
  for (const Case& row : kTable) {
    HeaderScanner scanner;
    scanner.feed(row.content);
    expect(row, scanner);
  }
}

TEST(HeaderScanner, DoesNotCareHowTheContentIsCut) {
  for (const Case& row : kTable) {
    for (std::size_t cut = 0; cut <= row.content.size(); ++cut) {
      HeaderScanner scanner;
      scanner.feed(row.content.substr(0, cut));
      scanner.feed(row.content.substr(cut));
      expect(row, scanner);
    }
    HeaderScanner scanner;
    for (std::size_t i = 0; i < row.content.size(); ++i) scanner.feed(row.content.substr(i, 1));
    expect(row, scanner);
  }
}

TEST(HistoryKind, HasANameForEachKind) {
  EXPECT_EQ(name(HistoryKind::kAccepted), "accepted");
  EXPECT_EQ(name(HistoryKind::kDelivered), "delivered");
  EXPECT_EQ(name(HistoryKind::kDeferred), "deferred");
  EXPECT_EQ(name(HistoryKind::kBounced), "bounced");
  EXPECT_EQ(name(HistoryKind::kExpired), "expired");
}

}  // namespace
}  // namespace posthaste::mail
