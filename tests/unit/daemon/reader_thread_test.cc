#include "daemon/reader_thread.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <thread>
#include <vector>

namespace posthaste::daemon {
namespace {

constexpr std::chrono::seconds kPatience{
    30};  // for a machine that is busy; only a failure takes it

TEST(ReaderThread, ReadsABodyWhileAScanIsUnderWay) {
  std::promise<void> begun;
  std::promise<void> body;
  auto read = std::make_shared<std::future<void>>(body.get_future());
  std::promise<std::future_status> ended;
  ReaderThread reader;
  reader.push_scan([&, read](const std::stop_token&) {
    begun.set_value();
    ended.set_value(read->wait_for(kPatience));
  });
  begun.get_future().wait();
  reader.push([&] { body.set_value(); });
  EXPECT_EQ(ended.get_future().get(), std::future_status::ready) << "the body waited for the scan";
}

TEST(ReaderThread, LooksAtTheQueueWhileACopyOfItIsUnderWay) {
  std::promise<void> looked;
  std::promise<std::future_status> ended;
  ReaderThread reader;
  reader.push_copy([&] { ended.set_value(looked.get_future().wait_for(kPatience)); });
  reader.push_scan([&](const std::stop_token&) { looked.set_value(); });
  EXPECT_EQ(ended.get_future().get(), std::future_status::ready) << "the look waited for the copy";
}

TEST(ReaderThread, AsksAScanThatIsUnderWayToStopAndBeginsNoOther) {
  std::promise<void> begun;
  std::atomic<bool> asked{false};
  std::atomic<bool> another{false};
  {
    ReaderThread reader;
    reader.push_scan([&](const std::stop_token& stop) {
      begun.set_value();
      const auto end = std::chrono::steady_clock::now() + kPatience;
      while (!stop.stop_requested() && std::chrono::steady_clock::now() < end) {
        std::this_thread::yield();
      }
      asked = stop.stop_requested();
    });
    begun.get_future().wait();
    reader.push_scan([&](const std::stop_token&) { another = true; });
  }
  EXPECT_TRUE(asked);
  EXPECT_FALSE(another);
}

TEST(ReaderThread, ShowsAScanThatTakesLongByItsHeartbeatAlone) {
  std::promise<void> begun;
  std::promise<void> end;
  ReaderThread reader;
  reader.push_scan([&](const std::stop_token&) {
    begun.set_value();
    end.get_future().wait();
  });
  begun.get_future().wait();
  const auto silent_since = reader.scan_heartbeat();
  EXPECT_NE(silent_since, 0);
  while (reader.heartbeat() <= silent_since) std::this_thread::yield();
  EXPECT_EQ(reader.scan_heartbeat(), silent_since);
  end.set_value();
  while (reader.scan_heartbeat() == silent_since) std::this_thread::yield();
}

TEST(ReaderThread, DoesItsWorkInTheOrderInWhichItCame) {
  std::promise<void> last;
  std::vector<int> done;
  ReaderThread reader;
  for (int i = 0; i < 100; ++i) reader.push([&, i] { done.push_back(i); });
  reader.push([&] { last.set_value(); });
  last.get_future().wait();
  ASSERT_EQ(done.size(), 100U);
  EXPECT_TRUE(std::is_sorted(done.begin(), done.end()));
}

}  // namespace
}  // namespace posthaste::daemon
