#include "lib/policy/suspension.h"

#include <gtest/gtest.h>

namespace posthaste::policy {
namespace {

using namespace std::chrono_literals;

const Instant kNow{std::chrono::hours(500'000)};

Suspension suspension(SuspensionKind kind, std::string_view pattern, Instant until = kNever) {
  auto parsed = parse_suspension(kind, pattern);
  EXPECT_TRUE(parsed) << pattern;
  parsed->until = until;
  return *parsed;
}

TEST(Suspensions, StopADomainAndItsSubdomainsOnlyWhereTheyAreMeant) {
  const Suspensions all({suspension(SuspensionKind::kDomain, "Example.COM"),
                         suspension(SuspensionKind::kDomain, "*.example.org")});
  EXPECT_NE(all.of_domain(RoutingDomain("example.com"), kNow), nullptr);
  EXPECT_EQ(all.of_domain(RoutingDomain("a.example.com"), kNow), nullptr);
  EXPECT_NE(all.of_domain(RoutingDomain("a.example.org"), kNow), nullptr);
  EXPECT_EQ(all.of_domain(RoutingDomain("example.org"), kNow), nullptr);
  EXPECT_EQ(all.of_host(MxName("example.com"), kNow), nullptr);
}

TEST(Suspensions, StopAHostForEverybodyWhomItServes) {
  const Suspensions all({suspension(SuspensionKind::kSite, "*.mx.example")});
  EXPECT_NE(all.of_host(MxName("a.mx.example"), kNow), nullptr);
  EXPECT_EQ(all.of_host(MxName("mx.example"), kNow), nullptr);
  EXPECT_EQ(all.of_domain(RoutingDomain("a.mx.example"), kNow), nullptr);
}

TEST(Suspensions, StopASenderADomainOfSendersAndTheNullSender) {
  const Suspensions one({suspension(SuspensionKind::kSender, "News@Example.com")});
  EXPECT_TRUE(one.has_senders());
  EXPECT_NE(one.of_sender("News@EXAMPLE.com", kNow), nullptr);
  EXPECT_EQ(one.of_sender("news@example.com", kNow), nullptr) << "local parts have case";
  EXPECT_EQ(one.of_sender("", kNow), nullptr);
  const Suspensions domain({suspension(SuspensionKind::kSender, "@example.com")});
  EXPECT_NE(domain.of_sender("anybody@example.com", kNow), nullptr);
  EXPECT_EQ(domain.of_sender("anybody@a.example.com", kNow), nullptr);
  const Suspensions null({suspension(SuspensionKind::kSender, "<>")});
  EXPECT_NE(null.of_sender("", kNow), nullptr);
  EXPECT_EQ(null.of_sender("a@example.com", kNow), nullptr);
}

TEST(Suspensions, LapseByThemselvesAndTheLongestIsShown) {
  const Suspensions all({suspension(SuspensionKind::kDomain, "example.com", kNow + 1h),
                         suspension(SuspensionKind::kDomain, "example.com", kNow + 2h)});
  const Suspension* shown = all.of_domain(RoutingDomain("example.com"), kNow);
  ASSERT_NE(shown, nullptr);
  EXPECT_EQ(shown->until, kNow + 2h);
  EXPECT_EQ(all.next_lapse(kNow), kNow + 1h);
  EXPECT_EQ(all.next_lapse(kNow + 1h), kNow + 2h);
  EXPECT_EQ(all.of_domain(RoutingDomain("example.com"), kNow + 2h), nullptr);
  EXPECT_EQ(all.next_lapse(kNow + 2h), kNever);
}

TEST(ParseSuspension, SaysWhatASenderLooksLike) {
  for (const char* text : {"", "example.com", "user@"}) {
    const auto parsed = parse_suspension(SuspensionKind::kSender, text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_NE(parsed.error().words.find("user@example.com"), std::string::npos);
  }
  EXPECT_FALSE(parse_suspension(SuspensionKind::kDomain, "*"));
}

}  // namespace
}  // namespace posthaste::policy
