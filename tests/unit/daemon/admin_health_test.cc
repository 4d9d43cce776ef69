#include "daemon/admin_health.h"

#include <gtest/gtest.h>

namespace posthaste::daemon {
namespace {

constexpr Instant kNow{std::chrono::seconds(1'000)};

std::int64_t seconds_ago(int seconds) {
  return (kNow - std::chrono::seconds(seconds)).time_since_epoch().count();
}

TEST(Health, IsGoodWhileAllThreadsLookAround) {
  const auto verdict = judge_health(
      {{"worker 0", seconds_ago(0)}, {"worker 1", seconds_ago(9)}, {"the store", seconds_ago(1)}},
      kNow);
  EXPECT_TRUE(verdict.ok);
  EXPECT_EQ(verdict.words, "ok");
}

TEST(Health, NamesEveryoneWhoIsStuck) {
  const auto verdict = judge_health({{"worker 0", seconds_ago(0)},
                                     {"worker 1", seconds_ago(10)},
                                     {"worker 2", 0},
                                     {"the reader", seconds_ago(99), true},
                                     {"the store", seconds_ago(60)}},
                                    kNow);
  EXPECT_FALSE(verdict.ok);
  EXPECT_EQ(verdict.stuck, 3U);
  EXPECT_EQ(verdict.words,
            "worker 1 has been stuck for 10s; worker 2 has not begun; the store has been stuck for "
            "60s");
}

TEST(Health, TellsOfWhoMayTakeLongAndIsGood) {
  const auto verdict =
      judge_health({{"worker 0", seconds_ago(0)}, {"the reader", seconds_ago(99), true}}, kNow);
  EXPECT_TRUE(verdict.ok);
  EXPECT_EQ(verdict.words, "ok; the reader has been busy for 99s");
}

TEST(Readiness, NeedsListenersAndAStoreThatWrites) {
  EXPECT_FALSE(judge_readiness({.listening = false, .queue_gained = true}).ok);
  EXPECT_FALSE(judge_readiness({.listening = true, .store_trouble = true}).ok);
  EXPECT_EQ(judge_readiness({.listening = true, .queue_gained = true}).words, "ready");
}

TEST(Readiness, DoesNotWaitForTheQueueButSaysThatItIsBeingRead) {
  const auto verdict = judge_readiness({.listening = true});
  EXPECT_TRUE(verdict.ok);
  EXPECT_EQ(verdict.words, "ready; the queue is still being read");
}

}  // namespace
}  // namespace posthaste::daemon
