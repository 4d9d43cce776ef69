#include "lib/io/connection.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "lib/base/rng.h"
#include "tests/unit/io/test_sockets.h"

namespace posthaste::io {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;

class ConnectionTest : public ::testing::Test {
 protected:
  // Our end is a Connection, the other end a blocking socket.
  void make(int send_buffer_bytes = 0) {
    auto [ours, theirs] = tcp_pair(send_buffer_bytes);
    peer = std::move(theirs);
    connection = std::make_unique<Connection>(loop, std::move(ours), recorder);
  }
  void stop_on(const std::string& event) {
    recorder.then = [this, event](const std::string& heard) {
      if (heard == event) loop.stop();
    };
  }
  void say(std::string_view words) {
    ASSERT_EQ(::write(peer.get(), words.data(), words.size()), static_cast<ssize_t>(words.size()));
  }
  std::string hear_to_the_end() {
    std::string all;
    char buffer[4096];
    ssize_t n = 0;
    while ((n = ::read(peer.get(), buffer, sizeof buffer)) > 0) {
      all.append(buffer, static_cast<std::size_t>(n));
    }
    EXPECT_EQ(n, 0) << "an end of file, no reset";
    return all;
  }

  Loop loop;
  Recorder recorder;
  std::unique_ptr<Connection> connection;
  Fd peer;
};

TEST_F(ConnectionTest, EchoesWhatItHears) {
  make();
  recorder.bytes = [&](std::string_view data) {
    connection->send(std::string(data));
    connection->flush();
  };
  stop_on("gone");
  std::string echo;
  std::thread other([&] {
    say("EHLO a\r\n");
    char buffer[64];
    while (echo.size() < 8) {
      const ssize_t n = ::read(peer.get(), buffer, sizeof buffer);
      if (n <= 0) break;
      echo.append(buffer, static_cast<std::size_t>(n));
    }
    ::shutdown(peer.get(), SHUT_WR);
  });
  run_bounded(loop);
  other.join();
  EXPECT_EQ(echo, "EHLO a\r\n");
  EXPECT_THAT(recorder.events, ElementsAre("written", "gone"));
  EXPECT_EQ(recorder.last.status, IoStatus::kEof);
}

TEST_F(ConnectionTest, LetsAStoppedLoopEndThoughThePeerSendsWithoutPauseAndReadsOnInAnotherRun) {
  // Not TCP: here what was sent can be read at once, so that no read ever comes out short.
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  connection = std::make_unique<Connection>(loop, Fd(ends[0]), recorder);
  peer = Fd(ends[1]);
  const std::string words(256 * 1024, 'x');
  std::size_t parts = 0;
  std::size_t last = 20;
  recorder.bytes = [&](std::string_view) {
    recorder.received.clear();
    (void)::send(peer.get(), words.data(), words.size(), MSG_DONTWAIT);  // what the kernel takes
    if (++parts == last) loop.stop();
  };
  say("x");
  run_bounded(loop);
  EXPECT_GE(parts, last);
  last = parts + 20;
  run_bounded(loop);
  EXPECT_GE(parts, last);
}

TEST_F(ConnectionTest, TellsThatAllIsWrittenButNeverFromInsideFlush) {
  make();
  stop_on("written");
  connection->send("QUIT\r\n");
  connection->flush();
  EXPECT_EQ(connection->queued_bytes(), 0U);
  EXPECT_TRUE(recorder.events.empty());
  run_bounded(loop);
  EXPECT_THAT(recorder.events, ElementsAre("written"));
}

TEST_F(ConnectionTest, WritesOnWhenTheKernelTookLess) {
  make(4096);
  stop_on("written");
  const std::string words(2'000'000, 'x');
  connection->send(words);
  connection->flush();
  EXPECT_GT(connection->queued_bytes(), 0U);
  std::string heard;
  std::thread other([&] { heard = hear_to_the_end(); });
  run_bounded(loop);
  EXPECT_EQ(connection->queued_bytes(), 0U);
  connection->close();
  other.join();
  EXPECT_EQ(heard, words);
}

TEST_F(ConnectionTest, CarriesFiveMegabytesOfChunksUnharmedThroughASmallBuffer) {
  make(8192);
  Rng rng(7);
  std::string model;
  stop_on("written");
  while (model.size() < 5'000'000) {
    std::string bytes(static_cast<std::size_t>(rng.below(90'000)), '\0');
    for (char& c : bytes) c = static_cast<char>(rng.next());
    model += bytes;
    if (rng.chance(0.7)) {
      connection->send(std::make_shared<const std::string>(std::move(bytes)));
    } else {
      connection->send(std::move(bytes));
    }
  }
  std::string heard;
  std::thread other([&] { heard = hear_to_the_end(); });
  connection->flush();
  run_bounded(loop);
  connection->close();
  other.join();
  EXPECT_TRUE(heard == model) << heard.size() << " of " << model.size();
}

TEST_F(ConnectionTest, HandsOnMegabytesInTurnsThatLeaveOthersTheirs) {
  make();
  const std::string words(3'000'000, 'y');
  std::thread other([&] {
    say(words);
    ::shutdown(peer.get(), SHUT_WR);
  });
  recorder.bytes = [](std::string_view) {};
  stop_on("gone");
  run_bounded(loop);
  other.join();
  EXPECT_EQ(recorder.received, words);
}

TEST_F(ConnectionTest, TellsOfAReset) {
  make();
  stop_on("gone");
  const linger at_once{1, 0};
  setsockopt(peer.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  peer.reset();
  run_bounded(loop);
  EXPECT_THAT(recorder.events, ElementsAre("gone"));
  EXPECT_EQ(recorder.last.status, IoStatus::kError);
  EXPECT_EQ(recorder.last_errno, ECONNRESET);
}

TEST_F(ConnectionTest, HandsOnThePeersLastWordsBeforeItTellsThatAWriteFailed) {
  make();
  stop_on("gone");
  say("421 too busy\r\n");
  peer.reset();
  // The first write makes the peer's kernel answer with RST, the second one fails.
  for (int i = 0; i < 2; ++i) {
    connection->send("MAIL FROM:<>\r\n");
    connection->flush();
  }
  run_bounded(loop);
  EXPECT_EQ(recorder.received, "421 too busy\r\n");
  EXPECT_EQ(recorder.events.back(), "gone");
}

TEST_F(ConnectionTest, CanBeResetByUs) {
  make();
  connection->close(true);
  EXPECT_EQ(connection->fd(), -1);
  char byte = 0;
  EXPECT_EQ(::read(peer.get(), &byte, 1), -1);
  EXPECT_EQ(errno, ECONNRESET);
}

TEST_F(ConnectionTest, IsSilentAfterClose) {
  make();
  say("220 hello\r\n");
  recorder.bytes = [&](std::string_view) {
    connection->close();
    connection->send("never sent");
    connection->flush();
    connection->resume_reading();
    loop.defer([&] { loop.defer([&] { loop.stop(); }); });
  };
  run_bounded(loop);
  EXPECT_TRUE(recorder.events.empty());
}

TEST_F(ConnectionTest, MayBeDestroyedInItsOwnCallAndByOthers) {
  make();
  auto [ours, theirs] = tcp_pair();
  Recorder second_recorder;
  auto second = std::make_unique<Connection>(loop, std::move(ours), second_recorder);
  // Both are readable in the same iteration; whichever comes first takes both away.
  const auto destroy_all = [&](std::string_view) {
    connection.reset();
    second.reset();
    loop.defer([&] { loop.defer([&] { loop.stop(); }); });
  };
  recorder.bytes = destroy_all;
  second_recorder.bytes = destroy_all;
  say("one");
  ASSERT_EQ(::write(theirs.get(), "two", 3), 3);
  run_bounded(loop);
  EXPECT_EQ(recorder.received.size() + second_recorder.received.size(), 3U);
}

TEST_F(ConnectionTest, MayBeDestroyedByDeferredWork) {
  make();
  say("x");
  recorder.bytes = [&](std::string_view) {
    connection->send("y");
    connection->flush();
    loop.defer([&] {
      connection.reset();
      loop.stop();
    });
  };
  run_bounded(loop);
  EXPECT_EQ(hear_to_the_end(), "y");
}

TEST_F(ConnectionTest, LeavesBytesInTheKernelWhileReadingIsPaused) {
  make();
  connection->pause_reading();
  say("DATA\r\n");
  Timer later(loop, [&] {
    EXPECT_EQ(recorder.received, "");
    stop_on("bytes");
    connection->resume_reading();
    EXPECT_EQ(recorder.received, "") << "not from inside the call";
  });
  later.set(loop.now() + milliseconds(20));
  run_bounded(loop);
  EXPECT_EQ(recorder.received, "DATA\r\n");
}

TEST_F(ConnectionTest, ConnectsFromAChosenSource) {
  auto listening = listen_tcp(any_port(), false);
  ASSERT_TRUE(listening);
  const IpAddress source = ipv4(127, 0, 0, 9);
  connection = Connection::connect(loop, local_endpoint(listening->get()), &source, recorder);
  EXPECT_TRUE(recorder.events.empty());
  stop_on("connected");
  run_bounded(loop);
  EXPECT_THAT(recorder.events, ElementsAre("connected"));
  EXPECT_EQ(local_endpoint(connection->fd()).address, source);
}

TEST_F(ConnectionTest, TellsOfARefusedConnection) {
  Endpoint nowhere;
  {
    auto listening = listen_tcp(any_port(), false);
    ASSERT_TRUE(listening);
    nowhere = local_endpoint(listening->get());
  }
  connection = Connection::connect(loop, nowhere, nullptr, recorder);
  stop_on("connect_error");
  run_bounded(loop);
  EXPECT_THAT(recorder.events, ElementsAre("connect_error"));
  EXPECT_EQ(recorder.last_errno, ECONNREFUSED);
}

TEST_F(ConnectionTest, TellsLaterOfASourceThatIsNotOurs) {
  const IpAddress source = ipv4(192, 0, 2, 1);
  connection = Connection::connect(loop, {ipv4(127, 0, 0, 1), 9}, &source, recorder);
  EXPECT_TRUE(recorder.events.empty());
  stop_on("connect_error");
  run_bounded(loop);
  EXPECT_EQ(recorder.last_errno, EADDRNOTAVAIL);
}

TEST_F(ConnectionTest, ClosesGracefullyAfterItsLastWords) {
  make(4096);
  const std::string words(500'000, 'z');
  connection->send(words);
  Connection::close_gracefully(std::move(connection), seconds(5));
  std::string heard;
  std::thread other([&] {
    heard = hear_to_the_end();
    loop.stop_from_any_thread();
  });
  run_bounded(loop);
  other.join();
  EXPECT_EQ(heard, words);
  EXPECT_TRUE(recorder.events.empty());
}

TEST_F(ConnectionTest, ClosesGracefullyThoughThePeerStillTalks) {
  make();
  say("MAIL FROM:<a@example.com>\r\n");
  connection->send("421 shutting down\r\n");
  Connection::close_gracefully(std::move(connection), seconds(5));
  std::string heard;
  std::thread other([&] {
    heard = hear_to_the_end();
    peer.reset();
    loop.stop_from_any_thread();
  });
  run_bounded(loop);
  other.join();
  EXPECT_EQ(heard, "421 shutting down\r\n");
}

TEST_F(ConnectionTest, LingersNoLongerThanTold) {
  make(4096);
  connection->send(std::string(5'000'000, 'z'));  // and nobody reads
  const int fd = connection->fd();
  Connection::close_gracefully(std::move(connection), milliseconds(30));
  Timer check(loop, [&] {
    if (fcntl(fd, F_GETFD) == -1) return loop.stop();
    check.set(loop.now() + milliseconds(5));
  });
  check.set(loop.now() + milliseconds(5));
  run_bounded(loop);
}

TEST_F(ConnectionTest, LeavesNothingBehindWhenTheLoopEndsWhileItLingers) {
  int fd = -1;
  {
    Loop short_lived;
    auto [ours, theirs] = tcp_pair(4096);
    auto lingering = std::make_unique<Connection>(short_lived, std::move(ours), recorder);
    fd = lingering->fd();
    lingering->send(std::string(5'000'000, 'z'));
    Connection::close_gracefully(std::move(lingering), seconds(60));
    EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
  }
  EXPECT_EQ(fcntl(fd, F_GETFD), -1);
}

}  // namespace
}  // namespace posthaste::io
