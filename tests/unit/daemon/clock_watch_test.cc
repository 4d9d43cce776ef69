#include "daemon/clock_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace posthaste::daemon {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Optional;

constexpr Instant kNow{std::chrono::hours(24 * 365 * 50)};

MessageId id_at(Instant when) {
  return MessageId{static_cast<std::uint64_t>(when.time_since_epoch() / 1ms) << 22};
}

TEST(ClockWatch, TellsOfAMessageFromTheFutureAtTheStart) {
  EXPECT_EQ(from_the_future(MessageId{}, kNow), std::nullopt) << "an empty queue";
  EXPECT_EQ(from_the_future(id_at(kNow - 1h), kNow), std::nullopt);
  EXPECT_EQ(from_the_future(id_at(kNow + 60s), kNow), std::nullopt);
  EXPECT_THAT(from_the_future(id_at(kNow + 61s), kNow), Optional(HasSubstr("61 s ahead")));
}

TEST(ClockWatch, BelievesNoDueTimeOfAMessageFromTheFuture) {
  EXPECT_EQ(believable_due(id_at(kNow - 1h), kNow + 4h, kNow), kNow + 4h);
  EXPECT_EQ(believable_due(id_at(kNow + 24h), kNow + 28h, kNow), kNow);
  EXPECT_EQ(believable_due(id_at(kNow + 24h), kNow - 1h, kNow), kNow - 1h);
}

TEST(ClockWatch, TellsOnceThatTheClockWasSet) {
  ClockWatch watch;
  EXPECT_EQ(watch.compare(kNow, kNow + 59s), std::nullopt) << "drift is no step";
  EXPECT_THAT(watch.compare(kNow, kNow + 2h), Optional(HasSubstr("set 7200 s ahead")));
  EXPECT_EQ(watch.compare(kNow + 1s, kNow + 2h + 1s), std::nullopt) << "told already";
  EXPECT_THAT(watch.compare(kNow, kNow - 2h), Optional(HasSubstr("set 7200 s back")));
  EXPECT_EQ(watch.compare(kNow, kNow), std::nullopt);
  EXPECT_THAT(watch.compare(kNow, kNow - 2h), Optional(HasSubstr("back"))) << "again";
}

}  // namespace
}  // namespace posthaste::daemon
