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

// ---- TLS-Required (RFC 8689 §3)

struct Wish {
  std::string_view content;
  bool optional;
};

constexpr Wish kWishes[] = {
    {"TLS-Required: No\r\n\r\n", true},
    {"Subject: x\r\nTLS-Required: No\r\nTo: y\r\n\r\nbody", true},
    {"tls-required:NO\r\n\r\n", true},
    {"TLS-REQUIRED \t: no \t\r\n\r\n", true},
    {"TLS-Required:\r\n No\r\n\r\n", true},
    {"TLS-Required: No\r\n \r\nTo: y\r\n\r\n", true},
    {"TLS-Required: No\r\n", true},
    {"TLS-Required: No", false},
    {"TLS-Required: No\r", false},
    {"TLS-Required: Yes\r\n\r\n", false},
    {"TLS-Required: Not\r\n\r\n", false},
    {"TLS-Required: N o\r\n\r\n", false},
    {"TLS-Required: N\r\n o\r\n\r\n", false},
    {"TLS-Required: No, really\r\n\r\n", false},
    {"TLS-Required: No\r\n really\r\n\r\n", false},
    {"TLS-Required: No (a comment)\r\n\r\n", false},
    {"TLS-Required: \"No\"\r\n\r\n", false},
    {"TLS-Required:\r\nNo: x\r\n\r\n", false},
    {"TLS-Required:\r\n\r\nNo\r\n", false},
    {"TLS-Required: No\rTo: y\r\n\r\n", false},
    {"TLS-Required: N\xF0\r\n\r\n", false},
    {"TLS-Required\r\n: No\r\n\r\n", false},
    {"X-TLS-Required: No\r\n\r\n", false},
    {"TTLS-Required: No\r\n\r\n", false},
    {"TLS-Required-By: No\r\n\r\n", false},
    {"Subject: x\r\n TLS-Required: No\r\n\r\n", false},
    {"\r\nTLS-Required: No\r\n\r\n", false},
    // RFC 8689 §3: "more than one instance … MUST NOT appear".
    {"TLS-Required: No\r\nTLS-Required: No\r\n\r\n", false},
    {"TLS-Required: No\r\nTLS-Required: Yes\r\n\r\n", false},
    {"TLS-Required: x\r\nReceived: y\r\nTLS-Required: No\r\n\r\n", false},
};

TEST(HeaderScanner, ReadsTlsRequiredNoAndNothingElse) {
  for (const Wish& row : kWishes) {
    HeaderScanner scanner;
    scanner.feed(row.content);
    EXPECT_EQ(scanner.tls_optional(), row.optional) << row.content;
  }
}

TEST(HeaderScanner, ReadsTlsRequiredHoweverTheContentIsCut) {
  for (const Wish& row : kWishes) {
    for (std::size_t cut = 0; cut <= row.content.size(); ++cut) {
      HeaderScanner scanner;
      scanner.feed(row.content.substr(0, cut));
      scanner.feed(row.content.substr(cut));
      EXPECT_EQ(scanner.tls_optional(), row.optional) << row.content << cut;
      EXPECT_EQ(scanner.header_bytes(), header_bytes(row.content)) << row.content;
    }
    HeaderScanner scanner;
    for (std::size_t i = 0; i < row.content.size(); ++i) scanner.feed(row.content.substr(i, 1));
    EXPECT_EQ(scanner.tls_optional(), row.optional) << row.content;
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
