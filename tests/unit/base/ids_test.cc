#include "lib/base/ids.h"

#include <gtest/gtest.h>

#include <set>

namespace posthaste {
namespace {

TEST(MessageId, SurvivesRenderingAndParsing) {
  for (const std::uint64_t value :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{0x7FFFFFFFFFFFFFFF},
        std::uint64_t{0x0123456789ABCDEF}}) {
    const auto parsed = parse_id(render_id(MessageId{value}));
    ASSERT_TRUE(parsed) << value;
    EXPECT_EQ(parsed->value, value);
  }
}

TEST(MessageId, RefusesWhatIsNoId) {
  for (const char* text :
       {"", "0", "000000000000U", "ZZZZZZZZZZZZZ", "00000000000000", "8000000000000"}) {
    EXPECT_FALSE(parse_id(text)) << text;
  }
}

TEST(IdSource, NeverRepeatsAndAlwaysGrows) {
  IdSource ids(1, 4, MessageId{});
  Instant now{std::chrono::seconds(1'700'000'000)};
  MessageId last{};
  for (int i = 0; i < 10'000; ++i) {
    const MessageId id = ids.next(now);
    EXPECT_GT(id, last);
    last = id;
  }
  EXPECT_GT(last.time(), now) << "more than fit into one millisecond borrow from the next";
}

TEST(IdSource, LanesNeverMeet) {
  const Instant now{std::chrono::seconds(1'700'000'000)};
  std::set<std::uint64_t> seen;
  for (unsigned lane = 0; lane < 3; ++lane) {
    IdSource ids(lane, 3, MessageId{});
    for (int i = 0; i < 3'000; ++i) EXPECT_TRUE(seen.insert(ids.next(now).value).second);
  }
}

TEST(IdSource, GoesOnBehindAFormerRunEvenIfTheClockStoodBack) {
  const Instant now{std::chrono::seconds(1'700'000'000)};
  IdSource before(0, 1, MessageId{});
  const MessageId last = before.next(now);
  IdSource after(0, 1, last);
  EXPECT_GT(after.next(now - std::chrono::hours(1)), last);
}

}  // namespace
}  // namespace posthaste
