#include "lib/dns/mx_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <utility>

namespace posthaste::dns {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Kind = MxPlan::Kind;

const RoutingDomain kDomain("example.com");
const HeloName kOwn("MTA1.example.net");

Answer answer_of(std::vector<std::pair<std::uint16_t, std::string>> records) {
  Answer answer;
  answer.status = AnswerStatus::kOk;
  for (auto& [preference, host] : records) answer.mx.push_back({preference, MxName(host)});
  return answer;
}

MxPlan plan(const Answer& answer, std::uint64_t seed = 1) {
  Rng rng(seed);
  return plan_mx(kDomain, answer, kOwn, rng);
}

std::vector<std::string> hosts(const MxPlan& plan) {
  std::vector<std::string> names;
  for (const MxName& host : plan.hosts) names.push_back(host.text());
  return names;
}

TEST(MxPlan, SortsByPreference) {
  const MxPlan made = plan(answer_of({{30, "c"}, {10, "a"}, {20, "b"}, {65535, "d"}, {0, "z"}}));
  EXPECT_EQ(made.kind, Kind::kHosts);
  EXPECT_THAT(hosts(made), ElementsAre("z", "a", "b", "c", "d"));
  EXPECT_EQ(made.words, "");
}

TEST(MxPlan, SharesTheLoadAmongEquals) {
  std::map<std::vector<std::string>, int> orders;
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    ++orders[hosts(plan(answer_of({{10, "a"}, {5, "first"}, {10, "b"}, {10, "c"}}), seed))];
  }
  EXPECT_EQ(orders.size(), 6U) << "all orders of three";
  for (const auto& [order, count] : orders) {
    EXPECT_EQ(order.front(), "first");
    EXPECT_GT(count, 50);
  }
}

TEST(MxPlan, NullMxIsPermanent) {
  const MxPlan made = plan(answer_of({{0, ""}}));
  EXPECT_EQ(made.kind, Kind::kNullMx);
  EXPECT_EQ(made.status, (MxPlan::Status{5, 1, 10}));
  EXPECT_THAT(made.words, HasSubstr("does not accept mail"));
  EXPECT_THAT(made.hosts, IsEmpty());
}

TEST(MxPlan, ANullMxBesideOthersIsLeftOut) {
  const MxPlan made = plan(answer_of({{0, ""}, {10, "mx"}}));
  EXPECT_EQ(made.kind, Kind::kHosts);
  EXPECT_THAT(hosts(made), ElementsAre("mx"));
  EXPECT_THAT(made.words, HasSubstr("left out"));
}

TEST(MxPlan, OurOwnNameCutsOffItselfAndWhatIsNotBetter) {
  const MxPlan made =
      plan(answer_of({{10, "better"}, {20, "mta1.example.net"}, {20, "equal"}, {30, "worse"}}));
  EXPECT_EQ(made.kind, Kind::kHosts);
  EXPECT_THAT(hosts(made), ElementsAre("better"));
}

TEST(MxPlan, BeingTheBestHostOurselvesIsALoop) {
  const MxPlan made = plan(answer_of({{10, "mta1.example.net"}, {10, "equal"}, {20, "worse"}}));
  EXPECT_EQ(made.kind, Kind::kLoop);
  EXPECT_EQ(made.status, (MxPlan::Status{5, 4, 6}));
  EXPECT_THAT(made.hosts, IsEmpty());
}

TEST(MxPlan, NoDataMeansTheDomainItself) {
  Answer answer;
  answer.status = AnswerStatus::kNoData;
  EXPECT_THAT(hosts(plan(answer)), ElementsAre("example.com"));
  Rng rng(1);
  EXPECT_EQ(plan_mx(RoutingDomain("mta1.example.net"), answer, kOwn, rng).kind, Kind::kLoop);
}

TEST(MxPlan, NoSuchDomainIsPermanent) {
  Answer answer;
  answer.status = AnswerStatus::kNxDomain;
  const MxPlan made = plan(answer);
  EXPECT_EQ(made.kind, Kind::kNoDomain);
  EXPECT_EQ(made.status, (MxPlan::Status{5, 1, 2}));
}

TEST(MxPlan, WhatDnsDidNotSayIsTemporaryAndNeverNoMx) {
  for (const auto status : {AnswerStatus::kServFail, AnswerStatus::kRefused, AnswerStatus::kTimeout,
                            AnswerStatus::kMalformed}) {
    Answer answer;
    answer.status = status;
    answer.words = "SERVFAIL for example.com MX";
    const MxPlan made = plan(answer);
    EXPECT_EQ(made.kind, Kind::kTemporary) << name(status);
    EXPECT_EQ(made.status, (MxPlan::Status{4, 4, 3}));
    EXPECT_EQ(made.words, answer.words);
    EXPECT_THAT(made.hosts, IsEmpty());
  }
}

TEST(MxPlan, NamesThatLookLikeAddressesAreLeftOutWithWords) {
  const MxPlan made = plan(answer_of({{5, "192.0.2.1"}, {7, "a\\032b"}, {10, "mx"}}));
  EXPECT_THAT(hosts(made), ElementsAre("mx"));
  EXPECT_THAT(made.words, HasSubstr("192.0.2.1"));
  EXPECT_THAT(made.words, HasSubstr("a\\032b"));
  const MxPlan nothing = plan(answer_of({{5, "192.0.2.1"}}));
  EXPECT_EQ(nothing.kind, Kind::kNoDomain) << "and never the implicit MX";
  EXPECT_EQ(nothing.status, (MxPlan::Status{5, 4, 4}));
  EXPECT_THAT(nothing.words, HasSubstr("192.0.2.1"));
}

TEST(MxPlan, AHostThatIsNamedTwiceIsTriedOnceAtItsBest) {
  EXPECT_THAT(hosts(plan(answer_of({{20, "a"}, {10, "b"}, {5, "a"}, {5, "a"}}))),
              ElementsAre("a", "b"));
}

TEST(MxPlan, TheListIsBounded) {
  std::vector<std::pair<std::uint16_t, std::string>> records;
  for (unsigned i = 0; i < 500; ++i) {
    records.emplace_back(static_cast<std::uint16_t>(500 - i), "h" + std::to_string(500 - i));
  }
  const MxPlan made = plan(answer_of(records));
  ASSERT_EQ(made.hosts.size(), kMxHostsMax);
  EXPECT_EQ(made.hosts.front().text(), "h1") << "the best ones stay";
  for (auto& [preference, host] : records) host = "10.0.0." + std::to_string(preference % 256);
  EXPECT_LT(plan(answer_of(records)).words.size(), 1024U);
}

}  // namespace
}  // namespace posthaste::dns
