#include "daemon/admin_tls_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace posthaste::daemon {
namespace {

Result<TlsMemoryQuery> query(std::map<std::string, std::string> parameters) {
  HttpRequest request;
  request.query = std::move(parameters);
  return parse_tls_memory_query(request);
}

// What one of several workers remembers: hosts by address, and some by name, which all know.
std::vector<TlsMemoryEntry> remembered(std::size_t worker, std::size_t count) {
  std::vector<TlsMemoryEntry> entries;
  for (std::size_t i = 0; i < count; ++i) {
    const auto number = std::to_string(i * 7919 % count);
    if (i % 10 == 0) {
      entries.push_back({{"mx" + number + ".example.com:25", "", {}}, worker});
    } else {
      entries.push_back({{"[2001:db8::" + number + "]:25", "sha256:" + number, {}}, worker});
    }
  }
  return entries;
}

TEST(TlsMemoryPage, ShowsEachNoteOnceOnBoundedPages) {
  const std::vector<std::vector<TlsMemoryEntry>> workers{
      remembered(0, 5'000), remembered(1, 3'000), {}};
  std::map<std::string, std::string> asked{{"limit", "300"}};
  std::vector<std::string> seen;
  std::size_t pages = 0;
  do {
    const auto parsed = query(asked);
    ASSERT_TRUE(parsed);
    TlsMemoryPage page(*parsed);
    for (const auto& worker : workers) {
      TlsMemoryPage part(*parsed);
      for (const auto& entry : worker) part.add(entry);
      page.merge(std::move(part));
    }
    EXPECT_LE(page.entries().size(), 300U);
    for (const auto& [view, worker] : page.entries()) {
      seen.push_back(view.subject + " " + view.policy + " " + std::to_string(worker));
    }
    asked["cursor"] = page.next() ? render_tls_cursor(*page.next()) : "";
    ++pages;
  } while (!asked["cursor"].empty());
  EXPECT_EQ(pages, 27U);
  ASSERT_EQ(seen.size(), 8'000U);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_EQ(std::adjacent_find(seen.begin(), seen.end()), seen.end());
}

TEST(TlsMemoryPage, IsTheLastWhereItIsJustFull) {
  TlsMemoryPage page({3, {}});
  for (const auto& entry : remembered(0, 3)) page.add(entry);
  EXPECT_EQ(page.entries().size(), 3U);
  EXPECT_FALSE(page.next());
}

TEST(TlsMemoryPage, RefusesQueriesThatMakeNoSense) {
  EXPECT_EQ(query({})->limit, 100U);
  for (const char* limit : {"0", "1001", "all"}) EXPECT_FALSE(query({{"limit", limit}})) << limit;
  for (const char* cursor : {"x", "1", "1.", "a..b", "-1..b", "99999999999999999999..b"}) {
    EXPECT_FALSE(query({{"cursor", cursor}})) << cursor;
  }
}

TEST(TlsMemoryPage, CursorsSurviveTheTripThroughText) {
  const TlsMemoryCursor cursor{"[2001:db8::1]:25", "sha256:00ff", 12};
  const auto parsed = parse_tls_cursor(render_tls_cursor(cursor));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->subject, cursor.subject);
  EXPECT_EQ(parsed->policy, cursor.policy);
  EXPECT_EQ(parsed->worker, cursor.worker);
}

}  // namespace
}  // namespace posthaste::daemon
