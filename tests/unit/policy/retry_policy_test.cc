#include "lib/policy/retry_policy.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace posthaste::policy {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Instant kNow{std::chrono::hours(24 * 365 * 50)};

RetryPolicy without_jitter() {
  RetryPolicy policy;
  policy.jitter = 0;
  return policy;
}

TEST(RetryPolicy, WalksTheListAndRepeatsItsLastInterval) {
  const RetryPolicy policy = without_jitter();
  Rng rng(1);
  const std::vector<Duration> expected{minutes(1), minutes(5), minutes(15), minutes(30), hours(1),
                                       hours(2),   hours(4),   hours(4),    hours(4)};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(next_due(policy, static_cast<std::uint32_t>(i + 1), kNow, rng), kNow + expected[i]);
  }
  EXPECT_EQ(next_due(policy, ~std::uint32_t{0}, kNow, rng), kNow + hours(4));
  EXPECT_EQ(next_due(policy, 0, kNow, rng), kNow + minutes(1)) << "a stored 0 is no crash";
}

TEST(RetryPolicy, JitterStaysInItsBoundsAndUsesThem) {
  RetryPolicy policy;
  policy.intervals = {seconds(1000)};
  policy.jitter = 0.25;
  Rng rng(7);
  Duration least = Duration::max();
  Duration most = Duration::min();
  for (int i = 0; i < 10'000; ++i) {
    const Duration wait = next_due(policy, 1, kNow, rng) - kNow;
    least = std::min(least, wait);
    most = std::max(most, wait);
  }
  EXPECT_GE(least, seconds(750));
  EXPECT_LT(least, seconds(760));
  EXPECT_LE(most, seconds(1250));
  EXPECT_GT(most, seconds(1240));
}

TEST(RetryPolicy, NoWaitIsTooLongForTheClock) {
  RetryPolicy policy;
  policy.intervals = {Duration::max()};
  policy.jitter = 0.5;
  Rng rng(3);
  for (int i = 0; i < 100; ++i) EXPECT_GE(next_due(policy, 1, kNow, rng), kNow);
}

TEST(RetryPolicy, DomainRulesGoOverClassesGoOverTheDefaultFieldByField) {
  RetryPolicies policies;
  policies.classes[static_cast<std::size_t>(RetryClass::kGreylist)] = {
      .intervals = std::vector<Duration>{minutes(5), minutes(10)}, .jitter = 0.2};
  policies.rules = {
      {{parse_domain_pattern("*.example.com").value()}, {.expire_after = hours(1)}},
      {{parse_domain_pattern("a.example.com").value()},
       {.intervals = std::vector<Duration>{seconds(30)}}},
  };
  const RetryPolicy plain = policies.policy_for(RoutingDomain("other.example"), RetryClass::kDns);
  EXPECT_EQ(plain, RetryPolicy{});

  const RetryPolicy greylist =
      policies.policy_for(RoutingDomain("other.example"), RetryClass::kGreylist);
  EXPECT_EQ(greylist.intervals, (std::vector<Duration>{minutes(5), minutes(10)}));
  EXPECT_EQ(greylist.jitter, 0.2);
  EXPECT_EQ(greylist.expire_after, RetryPolicy{}.expire_after);

  const RetryPolicy both =
      policies.policy_for(RoutingDomain("a.example.com"), RetryClass::kGreylist);
  EXPECT_EQ(both.intervals, (std::vector<Duration>{seconds(30)}));
  EXPECT_EQ(both.jitter, 0.2);
  EXPECT_EQ(both.expire_after, hours(1));
}

TEST(RetryPolicy, TheClassOfADomainGoesOverTheDomainAndALaterRuleOverBoth) {
  RetryOverlays greylist;
  greylist[static_cast<std::size_t>(RetryClass::kGreylist)] = {
      .intervals = std::vector<Duration>{minutes(7)}, .delay_notice_after = hours(2)};
  RetryPolicies policies;
  policies.rules = {
      {{parse_domain_pattern("*.example.com").value()},
       {.intervals = std::vector<Duration>{minutes(3)}, .jitter = 0.3},
       greylist},
      {{parse_domain_pattern("b.example.com").value()},
       {.intervals = std::vector<Duration>{seconds(9)}}},
  };
  const auto policy_for = [&](const char* domain, RetryClass retry_class) {
    return policies.policy_for(RoutingDomain(domain), retry_class);
  };
  const RetryPolicy a = policy_for("a.example.com", RetryClass::kGreylist);
  EXPECT_EQ(a.intervals, std::vector<Duration>{minutes(7)});
  EXPECT_EQ(a.jitter, 0.3);
  EXPECT_EQ(a.delay_notice_after, hours(2));
  EXPECT_EQ(policy_for("a.example.com", RetryClass::kTls).intervals,
            std::vector<Duration>{minutes(3)});
  const RetryPolicy b = policy_for("b.example.com", RetryClass::kGreylist);
  EXPECT_EQ(b.intervals, std::vector<Duration>{seconds(9)});
  EXPECT_EQ(b.delay_notice_after, hours(2));
}

TEST(RetryClass, NamesAreReadBack) {
  for (std::size_t i = 0; i < kRetryClasses; ++i) {
    const auto retry_class = static_cast<RetryClass>(i);
    EXPECT_EQ(parse_retry_class(name(retry_class)), retry_class);
  }
  EXPECT_EQ(name(RetryClass::kConnect), "connect");
  EXPECT_EQ(name(RetryClass::kOther), "other");
  EXPECT_EQ(parse_retry_class("Connect"), std::nullopt);
  EXPECT_EQ(parse_retry_class(""), std::nullopt);
}

TEST(RetryClass, IsReadFromTheReplysCodes) {
  struct Row {
    int code, subject, detail;
    RetryClass expected;
  };
  constexpr Row kRows[] = {
      {450, 7, 1, RetryClass::kGreylist},   {451, 7, 1, RetryClass::kGreylist},
      {450, 2, 0, RetryClass::kGreylist},   {421, 0, 0, RetryClass::kThrottled},
      {421, 7, 0, RetryClass::kThrottled},  {421, 7, 1, RetryClass::kThrottled},
      {421, 1, 0, RetryClass::kThrottled},  {421, 4, 5, RetryClass::kThrottled},
      {450, 7, 28, RetryClass::kThrottled}, {452, 7, 28, RetryClass::kThrottled},
      {550, 7, 28, RetryClass::kThrottled}, {421, 4, 2, RetryClass::kConnect},
      {421, 3, 2, RetryClass::kConnect},    {451, 4, 1, RetryClass::kConnect},
      {421, 3, 0, RetryClass::kOther},      {452, 0, 0, RetryClass::kMailbox},
      {452, 2, 2, RetryClass::kMailbox},    {450, 2, 1, RetryClass::kMailbox},
      {451, 2, 0, RetryClass::kMailbox},    {450, 1, 1, RetryClass::kMailbox},
      {551, 1, 6, RetryClass::kMailbox},    {552, 2, 2, RetryClass::kMailbox},
      {452, 3, 1, RetryClass::kOther},      {450, 1, 8, RetryClass::kOther},
      {451, 4, 3, RetryClass::kOther},      {451, 4, 4, RetryClass::kOther},
      {452, 5, 3, RetryClass::kOther},      {451, 6, 1, RetryClass::kOther},
      {451, 0, 0, RetryClass::kOther},      {450, 0, 0, RetryClass::kOther},
      {451, 3, 0, RetryClass::kOther},      {451, 9, 1, RetryClass::kOther},
      {550, 0, 0, RetryClass::kOther},      {454, 7, 0, RetryClass::kPolicy},
      {454, 7, 1, RetryClass::kPolicy},     {451, 7, 0, RetryClass::kPolicy},
      {451, 7, 24, RetryClass::kPolicy},    {450, 7, 25, RetryClass::kPolicy},
      {550, 7, 1, RetryClass::kPolicy},     {550, 7, 26, RetryClass::kPolicy},
      {554, 7, 606, RetryClass::kPolicy},   {450, 7, 10, RetryClass::kTls},
      {530, 7, 10, RetryClass::kTls},       {550, 7, 30, RetryClass::kTls},
      {0, 0, 0, RetryClass::kOther},        {250, 0, 0, RetryClass::kOther},
      {999, 7, 1, RetryClass::kOther},
  };
  for (const Row& row : kRows) {
    EXPECT_EQ(classify_reply(row.code, row.subject, row.detail), row.expected)
        << row.code << " x." << row.subject << "." << row.detail;
  }
}

}  // namespace
}  // namespace posthaste::policy
