#include "lib/io/loop.h"

#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <thread>
#include <vector>

namespace posthaste::io {
namespace {

using std::chrono::milliseconds;

TEST(Loop, RunsDeferredWorkInOrderBeforeItReturns) {
  Loop loop;
  std::string order;
  loop.defer([&] { order += "a"; });
  loop.defer([&] {
    order += "b";
    loop.defer([&] { order += "d"; });
    loop.stop();
  });
  loop.defer([&] { order += "c"; });
  loop.run();
  EXPECT_EQ(order, "abcd");
}

TEST(Loop, DoesNotBlockWhileDeferredWorkDefersMore) {
  Loop loop;
  int rounds = 0;
  std::function<void()> again = [&] {
    if (++rounds == 1000) return loop.stop();
    loop.defer(again);
  };
  loop.defer(again);
  Timer never(loop, [] {});  // nothing but deferred work keeps this loop going
  loop.run();
  EXPECT_EQ(rounds, 1000);
}

TEST(Loop, RunsDeferredWorkThatIsLeftWhenItIsDestroyed) {
  bool ran = false;
  {
    Loop loop;
    loop.defer([&] { ran = true; });
  }
  EXPECT_TRUE(ran);
}

TEST(Loop, CanBeStoppedFromAnotherThreadAndRunAgain) {
  Loop loop;
  for (int i = 0; i < 3; ++i) {
    std::thread other([&] { loop.stop_from_any_thread(); });
    loop.run();
    other.join();
  }
  SUCCEED();
}

TEST(Loop, KeepsOneTimeWithinAnIterationAndNeverStepsBack) {
  Loop loop;
  const Instant before = loop.now();
  const auto wall = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  EXPECT_LT(before - wall, milliseconds(500));
  EXPECT_LT(wall - before, milliseconds(500));
  loop.defer([&] {
    const Instant first = loop.now();
    while (loop.fresh_now() == first) {
    }
    const Instant second = loop.now();
    EXPECT_GT(second, first);
    EXPECT_EQ(loop.now(), second);
    EXPECT_GE(first, before);
    loop.stop();
  });
  loop.run();
  EXPECT_GE(loop.now(), before);
}

TEST(Loop, IgnoresBrokenPipes) {
  Loop loop;
  struct sigaction action {};
  ASSERT_EQ(sigaction(SIGPIPE, nullptr, &action), 0);
  EXPECT_EQ(action.sa_handler, SIG_IGN);
}

TEST(Timer, FiresInTheOrderOfTheirTimesAndNeverTooEarly) {
  Loop loop;
  const Instant start = loop.now();
  std::string order;
  const auto due = [&](char name, Duration after) {
    return [&, name, after] {
      order += name;
      EXPECT_GE(loop.now(), start + after) << name;
    };
  };
  Timer c(loop, [&] {
    due('c', milliseconds(15))();
    loop.stop();
  });
  Timer a(loop, due('a', milliseconds(2)));
  Timer b(loop, due('b', Duration(7'500)));
  c.set(start + milliseconds(15));
  a.set(start + milliseconds(2));
  b.set(start + Duration(7'500));
  loop.run();
  EXPECT_EQ(order, "abc");
}

TEST(Timer, FiresOnceForATimeInThePastAndLetsTheLoopLive) {
  Loop loop;
  int fired = 0;
  bool other_work = false;
  Timer* self = nullptr;
  Timer timer(loop, [&] {
    if (++fired == 1) loop.defer([&] { other_work = true; });
    if (other_work) return loop.stop();
    self->set(Instant{});  // a driver whose deadline has passed already
  });
  self = &timer;
  timer.set(Instant{});
  loop.run();
  EXPECT_TRUE(other_work);
  EXPECT_GE(fired, 2);
}

TEST(Timer, CanBeMovedManyTimesAndStopped) {
  Loop loop;
  int fired = 0;
  Timer moved(loop, [&] { ++fired; });
  Timer stopped(loop, [&] { fired += 1000; });
  const Instant start = loop.now();
  for (int i = 0; i < 100'000; ++i) moved.set(start + Duration(100'000 - i));
  stopped.set(start);
  stopped.set(kNever);
  Timer end(loop, [&] { loop.stop(); });
  end.set(start + milliseconds(20));
  loop.run();
  EXPECT_EQ(fired, 1);
}

TEST(Timer, MayBeDestroyedInItsOwnCallback) {
  Loop loop;
  std::unique_ptr<Timer> timer;
  const std::string captured(100, 'x');
  timer = std::make_unique<Timer>(loop, [&loop, &timer, captured] {
    timer.reset();
    EXPECT_EQ(captured.size(), 100U);
    loop.stop();
  });
  timer->set(loop.now());
  loop.run();
}

TEST(Timer, ThousandsFireInOrder) {
  Loop loop;
  const Instant start = loop.now();
  std::vector<std::unique_ptr<Timer>> timers;
  std::vector<int> fired;
  for (int i = 0; i < 2000; ++i) {
    timers.push_back(std::make_unique<Timer>(loop, [&fired, &loop, i] {
      fired.push_back(i);
      if (fired.size() == 2000) loop.stop();
    }));
    timers.back()->set(start + milliseconds(20 - i / 100));
  }
  loop.run();
  for (std::size_t i = 1; i < fired.size(); ++i) {
    EXPECT_GE(fired[i - 1] / 100, fired[i] / 100) << i;
  }
}

TEST(Signal, CallsBackInTheLoopsThread) {
  Loop loop;
  int calls = 0;
  Signal signal(loop, SIGUSR1, [&] {
    ++calls;
    loop.stop();
  });
  loop.defer([] { raise(SIGUSR1); });
  loop.run();
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace posthaste::io
