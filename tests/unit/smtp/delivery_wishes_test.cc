#include "lib/smtp/delivery_wishes.h"

#include <gtest/gtest.h>

#include "tests/unit/smtp/server_dialogue.h"

namespace posthaste::smtp {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using By = DeliveryWishes::By;

TEST(DeliveryWishes, ByIsTimeModeAndTrace) {
  struct Row {
    const char* value;
    seconds within;
    bool return_it, trace;
  };
  for (const Row& row : {Row{"120;R", seconds(120), true, false},
                         {"1;r", seconds(1), true, false},
                         {"+120;NT", seconds(120), false, true},
                         {"0;N", seconds(0), false, false},
                         {"-999999999;nt", seconds(-999'999'999), false, true},
                         {"999999999;RT", seconds(999'999'999), true, true},
                         {"000000005;N", seconds(5), false, false}}) {
    const auto by = parse_by(row.value);
    ASSERT_TRUE(by) << row.value << by.error().line;
    EXPECT_EQ(by->within, row.within) << row.value;
    EXPECT_EQ(by->return_it, row.return_it) << row.value;
    EXPECT_EQ(by->trace, row.trace) << row.value;
  }
}

TEST(DeliveryWishes, WhatIsNoByIsRefused) {
  for (const char* bad :
       {"", ";", "120", "120;", "120;X", "120;T", "120;RN", "120;RTT", "120;R;T", ";R", "+;R",
        "-;N", "--5;N", "1.5;R", "0x5;R", "1000000000;R", "-1000000000;N", "120 ;R", "12:0;R"}) {
    const auto by = parse_by(bad);
    ASSERT_FALSE(by) << bad;
    EXPECT_EQ(by.error().line,
              "501 5.5.4 BY is a number of seconds, a semicolon, and N or R, maybe with T");
  }
  // RFC 2852 §4: with "R" no time but one to come makes sense.
  for (const char* bad : {"0;R", "-0;R", "+0;RT", "-5;R"}) {
    ASSERT_FALSE(parse_by(bad)) << bad;
    EXPECT_EQ(parse_by(bad).error().line, "501 5.5.4 BY with R takes a time that has not passed");
  }
}

TEST(DeliveryWishes, HoldForIsANumberOfSeconds) {
  EXPECT_EQ(std::get<seconds>(*parse_hold_for("1")), seconds(1));
  EXPECT_EQ(std::get<seconds>(*parse_hold_for("999999999")), seconds(999'999'999));
  for (const char* bad : {"", "0", "01", "-1", "+1", "1.5", "1000000000", "1h"}) {
    ASSERT_FALSE(parse_hold_for(bad)) << bad;
    EXPECT_EQ(parse_hold_for(bad).error().line,
              "501 5.5.4 HOLDFOR takes a number of seconds, from 1 to 999999999");
  }
}

TEST(DeliveryWishes, HoldUntilIsATimeInUtc) {
  EXPECT_EQ(std::get<Instant>(*parse_hold_until("2026-11-21T12:00:05Z")), kNoon + seconds(5));
  for (const char* bad : {"", "2026-11-21", "2026-11-21T12:00:05+01:00", "1795262405"}) {
    ASSERT_FALSE(parse_hold_until(bad)) << bad;
    EXPECT_EQ(parse_hold_until(bad).error().line,
              "501 5.5.4 HOLDUNTIL takes a time in UTC, as 2026-11-21T22:08:43Z");
  }
}

TEST(DeliveryWishes, PriorityHasNineteenLevels) {
  for (int level = -9; level <= 9; ++level) {
    EXPECT_EQ(parse_priority(std::to_string(level)), level);
  }
  for (const char* bad : {"", "-", "+1", "-0", "00", "01", "10", "-10", "1.0", "a", "1 "}) {
    ASSERT_FALSE(parse_priority(bad)) << bad;
    EXPECT_EQ(parse_priority(bad).error().line, "501 5.5.2 MT-PRIORITY is a number from -9 to 9");
  }
}

TEST(DeliveryWishes, BecomeTimesByTheClockOfTheServer) {
  DeliveryWishes wishes;
  EXPECT_EQ(grant_wishes(wishes, {}, kNoon)->deliver_by, std::nullopt);
  EXPECT_EQ(grant_wishes(wishes, {}, kNoon)->hold_until, Instant());
  wishes.by = By{seconds(7200), true, true};
  wishes.hold = seconds(3600);
  wishes.priority = -4;
  const auto granted = grant_wishes(wishes, {}, kNoon);
  ASSERT_TRUE(granted) << granted.error().line;
  EXPECT_EQ(granted->deliver_by, (mail::DeliverBy{kNoon + hours(2), true, true}));
  EXPECT_EQ(granted->hold_until, kNoon + hours(1));
  EXPECT_EQ(granted->priority, -4);
  // A deliver-by time that has passed is no error (RFC 2852 §4), a time to hold until is none.
  wishes = {};
  wishes.by = By{seconds(-60), false, false};
  wishes.hold = kNoon;
  EXPECT_EQ(grant_wishes(wishes, {}, kNoon)->deliver_by->by, kNoon - seconds(60));
  EXPECT_EQ(grant_wishes(wishes, {}, kNoon)->hold_until, Instant());
}

std::string refusal_of(const DeliveryWishes& wishes, const ServerOptions& options = {}) {
  const auto granted = grant_wishes(wishes, options, kNoon);
  return granted ? "" : granted.error().line;
}

TEST(DeliveryWishes, AreRefusedWhereTheyAreNotOffered) {
  ServerOptions options;
  options.deliver_by = options.priority = false;
  options.future_release_max = std::chrono::milliseconds(999);
  EXPECT_EQ(refusal_of({}, options), "");
  EXPECT_EQ(refusal_of({By{seconds(5), false, false}, {}, {}}, options),
            "555 5.5.4 BY is not offered here");
  EXPECT_EQ(refusal_of({{}, seconds(5), {}}, options),
            "555 5.5.4 HOLDFOR and HOLDUNTIL are not offered here");
  EXPECT_EQ(refusal_of({{}, kNoon, {}}, options),
            "555 5.5.4 HOLDFOR and HOLDUNTIL are not offered here");
  EXPECT_EQ(refusal_of({{}, {}, std::int8_t{0}}, options),
            "555 5.5.4 MT-PRIORITY is not offered here");
}

TEST(DeliveryWishes, TheLeastTimeCountsOnlyWhereTheMessageIsToComeBack) {
  ServerOptions options;
  EXPECT_EQ(deliver_by_least(options), seconds(60));
  EXPECT_EQ(refusal_of({By{seconds(60), true, false}, {}, {}}, options), "");
  EXPECT_EQ(refusal_of({By{seconds(59), true, false}, {}, {}}, options),
            "555 5.5.4 BY with R takes at least 60 seconds here");
  EXPECT_EQ(refusal_of({By{seconds(59), false, false}, {}, {}}, options), "");
  options.deliver_by_min = std::chrono::milliseconds(1'001);
  EXPECT_EQ(deliver_by_least(options), seconds(2));
  options.deliver_by_min = Duration(0);
  EXPECT_EQ(refusal_of({By{seconds(1), true, false}, {}, {}}, options), "");
  options.deliver_by_min = Duration::max();
  EXPECT_EQ(deliver_by_least(options), seconds(999'999'999));
}

TEST(DeliveryWishes, AreHeldForNoLongerThanIsOffered) {
  const seconds week(7 * 86'400);
  EXPECT_EQ(refusal_of({{}, week, {}}), "");
  EXPECT_EQ(refusal_of({{}, week + seconds(1), {}}),
            "501 5.5.4 messages are held for up to 604800 seconds here, until "
            "2026-11-28T12:00:00Z");
  EXPECT_EQ(refusal_of({{}, kNoon + week, {}}), "");
  EXPECT_EQ(refusal_of({{}, kNoon + week + Duration(1), {}}),
            "501 5.5.4 messages are held for up to 604800 seconds here, until "
            "2026-11-28T12:00:00Z");
}

// RFC 4865 §5.2.2.
TEST(DeliveryWishes, ThatContradictEachOtherAreRefused) {
  const char* refusal =
      "501 5.5.4 the message is to be held for longer than until it has to be there";
  for (const bool return_it : {false, true}) {
    EXPECT_EQ(refusal_of({By{seconds(60), return_it, false}, seconds(60), {}}), "");
    EXPECT_EQ(refusal_of({By{seconds(60), return_it, false}, seconds(61), {}}), refusal);
  }
  EXPECT_EQ(refusal_of({By{seconds(-5), false, false}, seconds(1), {}}), refusal);
}

TEST(DeliveryWishes, HoldingIsOfferedForWhatTheKeywordCanSay) {
  ServerOptions options;
  options.future_release_max = Duration(0);
  EXPECT_EQ(hold_max(options), seconds(0));
  options.future_release_max = std::chrono::milliseconds(1'999);
  EXPECT_EQ(hold_max(options), seconds(1));
  options.future_release_max = Duration::max();
  EXPECT_EQ(hold_max(options), seconds(999'999'999));
}

}  // namespace
}  // namespace posthaste::smtp
