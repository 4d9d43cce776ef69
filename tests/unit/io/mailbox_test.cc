#include "lib/io/mailbox.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "lib/io/loop.h"

namespace posthaste::io {
namespace {

TEST(Mailbox, DeliversEverythingFromManyThreadsInEachOnesOrder) {
  constexpr int kThreads = 4;
  constexpr int kEach = 20'000;
  Loop loop;
  std::vector<std::pair<int, int>> taken;
  std::vector<int> next(kThreads, 0);
  int received = 0;
  Mailbox<std::pair<int, int>>* box = nullptr;
  Mailbox<std::pair<int, int>> mailbox(loop, 64, [&] {
    taken.clear();
    box->take_all(taken);
    for (const auto& [thread, number] : taken) {
      EXPECT_EQ(number, next[static_cast<std::size_t>(thread)]++);
      if (++received == kThreads * kEach) loop.stop();
    }
  });
  box = &mailbox;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        while (!mailbox.try_push({t, i})) std::this_thread::yield();
      }
    });
  }
  loop.run();
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(received, kThreads * kEach);
  EXPECT_EQ(mailbox.size(), 0U);
}

TEST(Mailbox, RefusesWhenFullAndLeavesTheItemAlone) {
  Loop loop;
  Mailbox<std::string> mailbox(loop, 2, [] {});
  EXPECT_TRUE(mailbox.try_push("one"));
  EXPECT_TRUE(mailbox.try_push("two"));
  std::string third = "three";
  EXPECT_FALSE(mailbox.try_push(std::move(third)));
  EXPECT_EQ(third, "three");
  mailbox.push(std::move(third));  // promised before
  EXPECT_EQ(mailbox.size(), 3U);
  std::vector<std::string> taken;
  mailbox.take_all(taken);
  EXPECT_EQ(taken, (std::vector<std::string>{"one", "two", "three"}));
  EXPECT_TRUE(mailbox.try_push("four"));
}

TEST(Mailbox, WakesOncePerBurst) {
  Loop loop;
  int wakes = 0;
  std::vector<int> taken;
  Mailbox<int>* box = nullptr;
  Mailbox<int> mailbox(loop, 100, [&] {
    ++wakes;
    box->take_all(taken);
    loop.stop();
  });
  box = &mailbox;
  std::vector<int> burst{1, 2, 3};
  mailbox.push_all(std::move(burst));
  mailbox.push(4);
  mailbox.push_all({});
  loop.run();
  EXPECT_EQ(wakes, 1);
  EXPECT_EQ(taken, (std::vector<int>{1, 2, 3, 4}));
}

TEST(Waker, MayBeDestroyedWithAWakeUpUnderWay) {
  Loop loop;
  auto waker = std::make_unique<Waker>(loop, [] { ADD_FAILURE() << "called after its end"; });
  waker->wake();
  waker.reset();
  loop.defer([&] { loop.stop(); });
  loop.run();
}

}  // namespace
}  // namespace posthaste::io
