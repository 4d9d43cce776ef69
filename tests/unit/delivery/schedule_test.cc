#include "lib/delivery/schedule.h"

#include <gtest/gtest.h>

#include <deque>
#include <set>

#include "lib/base/rng.h"
#include "lib/delivery/agenda.h"
#include "lib/delivery/arrivals.h"
#include "lib/delivery/rate.h"
#include "tests/unit/delivery/engine_rig.h"

namespace posthaste::delivery {
namespace {

Scheduled entry(std::uint64_t id, Duration due, std::uint16_t number = 0) {
  Scheduled made;
  made.id = MessageId{id};
  made.due = Instant(due);
  made.number = number;
  return made;
}

TEST(WaitingHeap, GivesTheEarliestFirstAndKeepsTheRecipientsOfAMessageTogether) {
  WaitingHeap heap;
  heap.push(entry(2, 5s, 1));
  heap.push(entry(1, 5s, 0));
  heap.push(entry(2, 5s, 0));
  heap.push(entry(9, 1s));
  EXPECT_EQ(heap.pop_front().id.value, 9U);
  EXPECT_EQ(heap.pop_front().id.value, 1U);
  EXPECT_EQ(heap.pop_front().number, 0U);
  EXPECT_EQ(heap.pop_front().number, 1U);
  EXPECT_TRUE(heap.empty());
}

TEST(WaitingHeap, CostsAtMost48BytesAnEntry) {
  WaitingHeap heap;
  constexpr std::size_t kEntries = 100'000;
  Rng rng(3);
  for (std::size_t i = 0; i < kEntries; ++i) {
    heap.push(entry(i, Duration(static_cast<Duration::rep>(rng.below(1'000'000)))));
    if (i > 100) {
      ASSERT_LE(heap.memory_bytes(), heap.size() * 48) << i;
    }
  }
  EXPECT_LE(heap.memory_bytes() / kEntries, 40U);
}

TEST(WaitingHeap, ComesOutSorted) {
  WaitingHeap heap;
  Rng rng(4);
  for (std::uint64_t i = 0; i < 5000; ++i) {
    heap.push(entry(i, Duration(static_cast<Duration::rep>(rng.below(1000)))));
  }
  Instant last;
  while (!heap.empty()) {
    const Instant due = heap.pop_front().due;
    ASSERT_GE(due, last);
    last = due;
  }
}

// Whatever is taken out of it, and however many are left.
TEST(WaitingHeap, IsInOrderWhenSomeAreTakenOrHastened) {
  Rng rng(6);
  for (std::uint64_t size = 0; size < 200; ++size) {
    WaitingHeap heap;
    for (std::uint64_t i = 0; i < size; ++i) {
      heap.push(entry(i, Duration(static_cast<Duration::rep>(rng.below(50) + 50))));
    }
    std::vector<Scheduled> taken;
    heap.take([](const Scheduled& one) { return one.id.value % 3 == 0; }, taken);
    ASSERT_EQ(heap.size() + taken.size(), size);
    const Instant soon(Duration(7));
    const auto hastened =
        heap.hasten([](const Scheduled& one) { return one.id.value % 5 == 0; }, soon);
    Instant last;
    for (std::size_t i = 0; !heap.empty(); ++i) {
      const Instant due = heap.pop_front().due;
      ASSERT_EQ(due == soon, i < hastened);
      ASSERT_GE(due, last);
      last = due;
    }
    WaitingHeap steered(std::move(taken));
    for (last = {}; !steered.empty();) {
      const Instant due = steered.pop_front().due;
      ASSERT_GE(due, last);
      last = due;
    }
  }
}

TEST(ReadyLine, IsFirstInFirstOutAndTakesBackAtTheFront) {
  ReadyLine line;
  std::deque<std::uint64_t> model;
  Rng rng(5);
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    const auto draw = rng.below(5);
    if (draw < 2) {
      line.push_back(entry(i, 0s));
      model.push_back(i);
    } else if (draw == 2) {
      line.push_front(entry(i, 0s));
      model.push_front(i);
    } else if (!model.empty()) {
      ASSERT_EQ(line.pop_front().id.value, model.front());
      model.pop_front();
    }
    ASSERT_EQ(line.size(), model.size());
  }
}

TEST(Agenda, AlwaysKnowsTheEarliest) {
  Agenda agenda;
  std::vector<AgendaItem> items(200);
  Rng rng(6);
  for (int i = 0; i < 20'000; ++i) {
    AgendaItem& item = items[rng.below(items.size())];
    const auto wake = Instant(Duration(static_cast<Duration::rep>(rng.below(1000))));
    rng.chance(0.2) ? agenda.erase(item) : agenda.set(item, rng.chance(0.1) ? kNever : wake);
    Instant earliest = kNever;
    for (const AgendaItem& one : items) earliest = std::min(earliest, one.wake);
    ASSERT_EQ(agenda.earliest(), earliest);
    if (earliest != kNever) {
      ASSERT_EQ(agenda.first().wake, earliest);
    }
  }
}

TEST(Arrivals, KnowsTheOldestToTheSecond) {
  Arrivals arrivals;
  EXPECT_EQ(arrivals.oldest(), kNever);
  arrivals.add(id_at(kStart + 10s));
  arrivals.add(id_at(kStart + 3s + 500ms));
  arrivals.add(id_at(kStart + 3s + 700ms));
  EXPECT_EQ(arrivals.oldest(), kStart + 3s);
  arrivals.remove(id_at(kStart + 3s + 500ms));
  EXPECT_EQ(arrivals.oldest(), kStart + 3s);
  arrivals.remove(id_at(kStart + 3s + 700ms));
  EXPECT_EQ(arrivals.oldest(), kStart + 10s);
}

class PaceOf : public testing::TestWithParam<Rate> {};

TEST_P(PaceOf, NeverLetsMoreThanTheCountIntoAnyWindow) {
  const Rate rate = GetParam();
  Pace pace(rate);
  Rng rng(7);
  std::multiset<Instant> window;
  std::uint64_t passed = 0;
  Instant now = kStart;
  const Instant end = kStart + 20 * rate.per;
  for (; now < end; now += Duration(static_cast<Duration::rep>(rng.below(
                        static_cast<std::uint64_t>(rate.per.count() / rate.count / 3 + 1))))) {
    if (!pace.may(now)) continue;
    pace.take(now);
    ++passed;
    window.insert(now);
    while (*window.begin() <= now - rate.per) window.erase(window.begin());
    ASSERT_LE(window.size(), rate.count);
  }
  EXPECT_GE(passed, 20U * rate.count * 7 / 10);
}
INSTANTIATE_TEST_SUITE_P(Rates, PaceOf,
                         testing::Values(Rate{1, 1s}, Rate{2, 1s}, Rate{100, 1min},
                                         Rate{1000, 1s}));

TEST(Pace, WithoutALimitIsAlwaysOpen) {
  Pace pace(Rate{});
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(pace.may(kStart));
    pace.take(kStart);
  }
}

}  // namespace
}  // namespace posthaste::delivery
