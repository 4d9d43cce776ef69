// The moment in which a Connection changes from plaintext to TLS, with a stream that only pretends
// to be TLS.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <thread>

#include "tests/unit/io/test_sockets.h"

namespace posthaste::io {
namespace {

using ::testing::ElementsAre;

// Its handshake is one byte 'H' each way; then every byte is changed on its way. Like OpenSSL it
// reads ahead: what came in one piece waits inside, where no poll can see it, and is handed out
// four bytes at a time.
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
    if (const IoResult heard = read_ahead(); heard.status != IoStatus::kOk) return heard;
    if (inside_.front() != 'H') return {.status = IoStatus::kError};
    inside_.erase(0, 1);
    return {.drained = inside_.empty()};
  }
  IoResult read(char* into, std::size_t size) override {
    if (const IoResult heard = read_ahead(); heard.status != IoStatus::kOk) return heard;
    const std::size_t bytes = std::min({size, inside_.size(), std::size_t{4}});
    for (std::size_t i = 0; i < bytes; ++i) into[i] = static_cast<char>(inside_[i] ^ 0x20);
    inside_.erase(0, bytes);
    return {.bytes = bytes, .drained = inside_.empty()};
  }
  IoResult write(const iovec* parts, int count) override { return plain_.write(parts, count); }

 private:
  IoResult read_ahead() {
    if (!inside_.empty()) return {};
    std::array<char, 1024> buffer;
    const IoResult result = plain_.read(buffer.data(), buffer.size());
    if (result.status == IoStatus::kOk) inside_.assign(buffer.data(), result.bytes);
    return result;
  }

  PlainStream plain_;
  std::string inside_;
  bool said_hello_ = false;
};

// Must write before it can read on, as TLS 1.3 after a KeyUpdate.
class WritesBeforeItReads final : public Stream {
 public:
  explicit WritesBeforeItReads(int fd) : plain_(fd) {}
  IoResult read(char* into, std::size_t size) override {
    if (++reads_ == 1) return {.status = IoStatus::kWantWrite};
    return plain_.read(into, size);
  }
  IoResult write(const iovec* parts, int count) override { return plain_.write(parts, count); }

 private:
  PlainStream plain_;
  int reads_ = 0;
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
  say("Hehlo\x2A");
  start();
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

TEST_F(StartTlsTest, ReadsOnWhenTheSocketIsWritableIfTheStreamMustWriteFirst) {
  connection->start_tls(std::make_unique<WritesBeforeItReads>(connection->fd()));
  say("250 ok\r\n");
  stop_on("bytes");
  run_bounded(loop);
  EXPECT_EQ(recorder.received, "250 ok\r\n");
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
