#include "lib/dns/cache.h"

#include <gtest/gtest.h>

namespace posthaste::dns {
namespace {

using std::chrono::seconds;

constexpr Instant kNow{std::chrono::hours(1)};

Question question(std::string name, RecordType type = RecordType::kMx) {
  return {std::move(name), type};
}

Answer answer(AnswerStatus status, Duration life) {
  Answer made;
  made.status = status;
  made.expires = kNow + life;
  return made;
}

TEST(DnsCache, KeepsAnAnswerUntilItExpiresAndNotLonger) {
  Cache cache(10);
  cache.put(question("a"), answer(AnswerStatus::kNxDomain, seconds(30)));
  EXPECT_EQ(cache.find(question("b"), kNow), nullptr);
  EXPECT_EQ(cache.find(question("a", RecordType::kA), kNow), nullptr);
  const Answer* const found = cache.find(question("a"), kNow + seconds(29));
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->status, AnswerStatus::kNxDomain);
  EXPECT_EQ(cache.find(question("a"), kNow + seconds(30)), nullptr);
  EXPECT_EQ(cache.size(), 0U);
}

TEST(DnsCache, ANewerAnswerReplacesTheOlder) {
  Cache cache(10);
  cache.put(question("a"), answer(AnswerStatus::kServFail, seconds(5)));
  cache.put(question("a"), answer(AnswerStatus::kOk, seconds(60)));
  EXPECT_EQ(cache.size(), 1U);
  EXPECT_EQ(cache.find(question("a"), kNow + seconds(10))->status, AnswerStatus::kOk);
}

TEST(DnsCache, TheOneAskedForLeastRecentlyGoesFirst) {
  Cache cache(2);
  cache.put(question("a"), answer(AnswerStatus::kOk, seconds(60)));
  cache.put(question("b"), answer(AnswerStatus::kOk, seconds(60)));
  EXPECT_NE(cache.find(question("a"), kNow), nullptr);
  cache.put(question("c"), answer(AnswerStatus::kOk, seconds(60)));
  EXPECT_EQ(cache.size(), 2U);
  EXPECT_NE(cache.find(question("a"), kNow), nullptr);
  EXPECT_EQ(cache.find(question("b"), kNow), nullptr);
  EXPECT_NE(cache.find(question("c"), kNow), nullptr);
}

TEST(DnsCache, WithoutRoomItRemembersNothing) {
  Cache cache(0);
  cache.put(question("a"), answer(AnswerStatus::kOk, seconds(60)));
  EXPECT_EQ(cache.find(question("a"), kNow), nullptr);
}

}  // namespace
}  // namespace posthaste::dns
