#include "daemon/inbound.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>

#include "tests/unit/daemon/worker_house.h"

namespace posthaste::daemon {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view kAccepted = "posthaste_accepted_messages_total";

// A client that has said hello.
Client submitter(const WorkerHouse& house) {
  Client client(house.at());
  EXPECT_THAT(client.reply(), StartsWith("220 mta.test"));
  client.send("EHLO submitter.test\r\n");
  EXPECT_THAT(client.reply(), StartsWith("250"));
  return client;
}

void send_message(Client& client, std::size_t lines) {
  client.send("MAIL FROM:<a@sender.test>\r\nRCPT TO:<b@nowhere.test>\r\nDATA\r\n");
  EXPECT_THAT(client.reply(), StartsWith("250"));
  EXPECT_THAT(client.reply(), StartsWith("250"));
  EXPECT_THAT(client.reply(), StartsWith("354"));
  std::string content = "Subject: x\r\n\r\n";
  for (std::size_t i = 0; i < lines; ++i) content += std::string(62, 'y') + "\r\n";
  client.send(content + ".\r\n");
}

TEST(InboundConnection, RefusesAMessageWhoseChunkTheQueueDidNotTakeAndTakesTheNext) {
  StoreThread::Options options;
  options.queued_bytes_max = 100U << 10;  // the first chunk and what is left, not the second
  WorkerHouse house(options);
  Client client = submitter(house);
  house.disk().hold();
  send_message(client, (140U << 10) / 64);
  EXPECT_THAT(client.reply(), StartsWith("451 4.3"));
  house.disk().release();
  send_message(client, 1);
  EXPECT_THAT(client.reply(), StartsWith("250 2.0.0 queued as"));
  EXPECT_EQ(house.disk().stored(), 1U);
  EXPECT_EQ(house.metric(std::string(kAccepted)), "1");
}

TEST(InboundConnection, RefusesAMessageWhoseChunkTheStoreRefusedAndTakesTheNext) {
  WorkerHouse house;
  Client client = submitter(house);
  house.disk().refuse_next_chunk();
  send_message(client, (200U << 10) / 64);
  EXPECT_THAT(client.reply(), StartsWith("451 4.3"));
  send_message(client, (200U << 10) / 64);
  EXPECT_THAT(client.reply(), StartsWith("250 2.0.0 queued as"));
  EXPECT_EQ(house.disk().stored(), 1U);
}

TEST(InboundConnection, CountsAndLogsAMessageWhoseSubmitterDidNotWait) {
  testing::internal::CaptureStdout();
  {
    WorkerHouse house;
    Client client = submitter(house);
    house.disk().hold();
    send_message(client, 1);
    house.disk().wait_until_wanted();
    client.break_off();
    house.wait_until([&](Worker&) { return house.connections() == 0; });
    EXPECT_EQ(house.metric(std::string(kAccepted)), "0");
    house.disk().release();
    house.wait_until([&](Worker&) { return house.metric(std::string(kAccepted)) != "0"; });
    EXPECT_EQ(house.disk().stored(), 1U);
    EXPECT_EQ(house.metric(std::string(kAccepted)), "1");
  }
  EXPECT_THAT(testing::internal::GetCapturedStdout(), HasSubstr("event=accepted"));
}

TEST(InboundConnection, ReadsNoMoreCommandsWhileNobodyReadsItsReplies) {
  constexpr std::size_t kTooMuch = 64U << 20;
  constexpr int kRounds = 100;  // of the server's loop without reading
  WorkerHouse house;
  const Client client = submitter(house);
  std::string commands;
  while (commands.size() < 60'000) commands += "EHLO x\r\n";
  std::size_t sent = 0;
  for (int idle = 0; idle < kRounds && sent < kTooMuch;) {
    const ssize_t count = ::send(client.fd(), commands.data(), commands.size(), MSG_DONTWAIT);
    if (count > 0) {
      sent += static_cast<std::size_t>(count);
      idle = 0;
    } else {
      ++idle;
      house.in_worker([](Worker&) {});
    }
  }
  EXPECT_LT(sent, kTooMuch);
}

TEST(InboundConnection, HangsUpWhereTlsIsListenedForAndTheCertificateHasGone) {
  WorkerHouse house;
  auto socket = io::listen_tcp({*parse_ip("127.0.0.1"), 0}, false);
  ASSERT_TRUE(socket);
  const Endpoint at = io::local_endpoint(socket->get());
  house.in_worker([&](Worker& worker) {
    ASSERT_EQ(worker.tls()->server(), nullptr);
    worker.listen(std::move(*socket), config::ListenTls::kImplicit);
  });
  Client client(at);
  EXPECT_EQ(client.reply(), "");
  house.wait_until([&](Worker&) { return house.connections() == 0; });
}

TEST(Worker, EndsThoughMailGoesOnComing) {
  std::promise<void> begun;
  std::function<void(Worker&)> again = [&](Worker& worker) { worker.post(again); };
  WorkerHouse house;
  house.worker().post([&](Worker& worker) {
    again(worker);
    begun.set_value();
  });
  begun.get_future().wait();
}

TEST(Worker, IsNotQuietWhileTheStoreHasAMessageWithoutASubmitter) {
  WorkerHouse house;
  Client client = submitter(house);
  house.disk().hold();
  send_message(client, 1);
  house.disk().wait_until_wanted();
  client.break_off();
  house.wait_until([&](Worker&) { return house.connections() == 0; });
  house.in_worker([](Worker& worker) { worker.shut_down(); });
  house.in_worker([](Worker& worker) { EXPECT_FALSE(worker.quiet()); });
  house.disk().release();
  house.wait_until([](Worker& worker) { return worker.quiet(); });
}

// The other end of a connection that the worker has let go with more to say than the kernel takes.
io::Fd let_go(WorkerHouse& house) {
  struct Nobody final : io::Connection::Handler {
    void on_bytes(std::string_view) override {}
    void on_handshake(io::IoResult) override {}
    void on_gone(io::IoResult) override {}
  };
  static Nobody nobody;
  std::array<int, 2> ends{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  house.in_worker([&](Worker& worker) {
    auto connection = std::make_unique<io::Connection>(worker.loop(), io::Fd(ends[0]), nobody);
    connection->send(std::string(4U << 20, 'x'));
    worker.let_go(std::move(connection), std::chrono::minutes(1));
  });
  house.in_worker([](Worker&) {});  // the loop has gone round
  return io::Fd(ends[1]);
}

TEST(Worker, IsNotQuietWhileAConnectionSaysItsLastWords) {
  WorkerHouse house;
  io::Fd reader = let_go(house);
  house.in_worker([](Worker& worker) { worker.shut_down(); });
  house.in_worker([](Worker& worker) { EXPECT_FALSE(worker.quiet()); });
  reader.reset();
  house.wait_until([](Worker& worker) { return worker.quiet(); });
}

TEST(Worker, LetsNoMoreConnectionsLingerThanMayBeOpen) {
  WorkerHouse house({}, "{connections: 2}");
  const io::Fd first = let_go(house);
  const io::Fd second = let_go(house);
  const io::Fd third = let_go(house);
  house.in_worker([](Worker& worker) { EXPECT_EQ(worker.loop().lingering(), 2U); });
}

std::vector<queue::StoreEvent> entries(std::uint64_t first, std::size_t count, Instant due) {
  const RoutingDomain domain("nowhere.test");
  std::vector<queue::StoreEvent> events;
  for (std::uint64_t i = 0; i < count; ++i) {
    events.push_back(
        queue::Entry{shard_of(domain), MessageId{first + i}, 0, 0, 1, due, domain, "connect"});
  }
  return events;
}

TEST(Worker, ServesSocketsAndTimersBetweenTheEntriesOfAStart) {
  constexpr std::size_t kEach = 2'000;
  constexpr std::size_t kParts = 10;
  WorkerHouse house;
  std::size_t turns = 0;
  std::size_t turns_until_opened = 0;
  std::promise<void> opened;
  std::function<void()> count;
  house.wait_until(  // the shards of the empty store are gained
      [&](Worker& worker) { return house.store().gained() && worker.events_waiting() == 0; });
  house.in_worker([&](Worker& worker) {
    const auto now = static_cast<std::uint64_t>(worker.now().time_since_epoch().count()) / 1'000;
    count = [&] {
      ++turns;
      if (turns_until_opened == 0) worker.loop().defer(count);
    };
    worker.loop().defer(count);
    for (std::size_t part = 0; part < kParts; ++part) {
      worker.post(entries((now << 22) + part * kEach, kEach, worker.now() + std::chrono::hours(1)));
    }
    EXPECT_EQ(worker.events_waiting(), kParts * kEach);
    worker.post([&](Worker&) {
      turns_until_opened = turns;
      opened.set_value();
    });
  });
  opened.get_future().wait();
  house.in_worker([&](Worker& worker) {
    EXPECT_GE(turns_until_opened, kParts - 1);
    EXPECT_EQ(worker.events_waiting(), 0U);
    EXPECT_EQ(worker.engine().counts().waiting, kParts * kEach);
  });
}

}  // namespace
}  // namespace posthaste::daemon
