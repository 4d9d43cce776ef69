// The moment in which a Connection changes from plaintext to TLS, with a stream that only pretends
// to be TLS.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

#include "tests/unit/io/test_sockets.h"

namespace posthaste::io {
namespace {

using ::testing::ElementsAre;

// Its handshake is one byte 'H' each way; then every byte is changed on its way, and one may be
// held back inside.
class PretendTls final : public Stream {
 public:
  explicit PretendTls(int fd) : plain_(fd) {}

  IoResult handshake() override {
    if (!said_hello_) {
      const iovec hello{const_cast<char*>("H"), 1};
      const IoResult written = plain_.write(&hello, 1);
      if (written.status != IoStatus::kOk) return written;
      said_hello_ = true;
    }
    char byte = 0;
    const IoResult heard = plain_.read(&byte, 1);
    if (heard.status != IoStatus::kOk) return heard;
    if (byte != 'H') return {.status = IoStatus::kError};
    return {};
  }
  IoResult read(char* into, std::size_t size) override {
    const IoResult result = plain_.read(into, std::min<std::size_t>(size, 4));
    for (std::size_t i = 0; i < result.bytes; ++i) into[i] = static_cast<char>(into[i] ^ 0x20);
    return {.status = result.status, .bytes = result.bytes, .sys_errno = result.sys_errno};
  }
  IoResult write(const iovec* parts, int count) override { return plain_.write(parts, count); }

 private:
  PlainStream plain_;
  bool said_hello_ = false;
};

class StartTlsTest : public ::testing::Test {
 protected:
  StartTlsTest() {
    auto [ours, theirs] = tcp_pair(4096);
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
  std::string hear(std::size_t size) {
    std::string all(size, '\0');
    all.resize(static_cast<std::size_t>(::recv(peer.get(), all.data(), size, MSG_WAITALL)));
    return all;
  }
  std::size_t start() {
    return connection->start_tls(std::make_unique<PretendTls>(connection->fd()));
  }

  Loop loop;
  Recorder recorder;
  std::unique_ptr<Connection> connection;
  Fd peer;
};

TEST_F(StartTlsTest, SendsOldPlaintextFirstAndWaitsForTheHandshake) {
  connection->send("220 go\r\n");
  EXPECT_EQ(start(), 0U);
  connection->send("after");
  connection->flush();
  EXPECT_EQ(hear(8), "220 go\r\n");
  say("H");
  stop_on("handshake");
  run_bounded(loop);
  EXPECT_EQ(recorder.last.status, IoStatus::kOk);
  connection->flush();
  EXPECT_EQ(hear(6), "Hafter");
}

TEST_F(StartTlsTest, KeepsALongPlaintextOutOfTls) {
  const std::string words(300'000, 'p');
  connection->send(words);
  start();
  connection->send("secret");
  std::string heard;
  std::thread other([&] {
    heard = hear(words.size() + 1);
    say("H");
  });
  stop_on("handshake");
  run_bounded(loop);
  other.join();
  EXPECT_EQ(heard, words + "H");
  EXPECT_EQ(connection->queued_bytes(), 6U);
}

TEST_F(StartTlsTest, CountsWhatArrivedBehindTheReply) {
  say("220 go\r\n");
  std::size_t injected = 0;
  recorder.bytes = [&](std::string_view) {
    say("250 injected\r\n");
    injected = start();
    loop.stop();
  };
  run_bounded(loop);
  EXPECT_EQ(injected, 14U);
}

TEST_F(StartTlsTest, HandsOnWhatCameInOnePieceWithTheHandshake) {
  start();
  say("Hehlo\x2A");
  recorder.bytes = [&](std::string_view) {
    if (recorder.received.size() == 5) loop.stop();
  };
  run_bounded(loop);
  EXPECT_EQ(recorder.received, "EHLO\n");
  EXPECT_THAT(recorder.events, ElementsAre("handshake"));
}

TEST_F(StartTlsTest, HandsOnWhatTheStreamHoldsWhenReadingIsResumed) {
  start();
  say("H");
  stop_on("handshake");
  run_bounded(loop);
  say("datadata");
  recorder.bytes = [&](std::string_view) {
    connection->pause_reading();
    loop.stop();
  };
  run_bounded(loop);
  EXPECT_EQ(recorder.received, "DATA");
  connection->resume_reading();
  EXPECT_EQ(recorder.received, "DATA");
  run_bounded(loop);
  EXPECT_EQ(recorder.received, "DATADATA");
}

TEST_F(StartTlsTest, SaysNothingMoreAfterAFailedHandshake) {
  start();
  say("554 no\r\n");
  stop_on("handshake");
  run_bounded(loop);
  EXPECT_EQ(recorder.last.status, IoStatus::kError);
  peer.reset();
  loop.defer([&] { loop.defer([&] { loop.stop(); }); });
  run_bounded(loop);
  EXPECT_THAT(recorder.events, ElementsAre("handshake"));
}

TEST_F(StartTlsTest, TellsOfAPeerThatHangsUpInTheHandshake) {
  start();
  peer.reset();
  stop_on("handshake");
  run_bounded(loop);
  EXPECT_NE(recorder.last.status, IoStatus::kOk);
}

}  // namespace
}  // namespace posthaste::io
