// Both ends ours, in one loop: io::Connection over TlsStream, from STARTTLS to the last byte.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/rng.h"
#include "lib/io/loop.h"
#include "tests/unit/tls/test_peer.h"

namespace posthaste::tls {
namespace {

using io::Connection;
using io::IoStatus;

class TlsConnection : public ::testing::Test {
 protected:
  TlsConnection() {
    const auto certificate = make_self_signed({});
    auto server = ServerContext::make({folder.write("cert.pem", certificate.certificate_pem),
                                       folder.write("key.pem", certificate.key_pem)},
                                      nullptr);
    server_context = std::move(*server);
    client_context = std::move(*ClientContext::make(policy::modern_profile()));
    auto [first, second] = io::tcp_pair(8192);
    client = std::make_unique<Connection>(loop, std::move(first), client_ear);
    server_end = std::make_unique<Connection>(loop, std::move(second), server_ear);
  }
  void start_both() {
    auto accepting = TlsStream::server(*server_context, server_end->fd());
    server_end->start_tls(std::move(*accepting));
    auto connecting = TlsStream::client(*client_context, client->fd(), MxName("mx.example.com"));
    client->start_tls(std::move(*connecting));
  }

  CertificateFolder folder;
  std::unique_ptr<ServerContext> server_context;
  std::unique_ptr<ClientContext> client_context;
  io::Loop loop;
  io::Recorder client_ear, server_ear;
  std::unique_ptr<Connection> client, server_end;
};

TEST_F(TlsConnection, CarriesMegabytesBothWaysAtOnceUnharmed) {
  Rng rng(11);
  std::string request(5'000'000, '\0');
  for (char& c : request) c = static_cast<char>(rng.next());
  const std::string reply(request.rbegin(), request.rend());
  client_ear.then = [&](const std::string& event) {
    if (event != "handshake") return;
    EXPECT_EQ(client_ear.last.status, IoStatus::kOk);
    for (std::size_t at = 0; at < request.size();) {
      const std::string part = request.substr(at, rng.below(70'000));
      at += part.size();
      if (rng.chance(0.5)) {
        client->send(std::make_shared<const std::string>(part));
      } else {
        client->send(part);
      }
    }
    client->flush();
  };
  server_ear.then = [&](const std::string& event) {
    if (event != "handshake") return;
    server_end->send(reply);
    server_end->flush();
  };
  const auto maybe_done = [&](std::string_view) {
    if (server_ear.received.size() >= request.size() &&
        client_ear.received.size() >= reply.size()) {
      loop.stop();
    }
  };
  client_ear.bytes = maybe_done;
  server_ear.bytes = maybe_done;
  start_both();
  io::run_bounded(loop);
  EXPECT_TRUE(server_ear.received == request);
  EXPECT_TRUE(client_ear.received == reply);
}

TEST_F(TlsConnection, LosesNothingWhileReadingIsPausedAndResumed) {
  const std::string words(300'000, 'w');
  client_ear.then = [&](const std::string& event) {
    if (event != "handshake") return;
    client->send(words);
    client->flush();
  };
  int pauses = 0;
  io::Timer later(loop, [&] { server_end->resume_reading(); });
  server_ear.bytes = [&](std::string_view) {
    if (server_ear.received.size() == words.size()) return loop.stop();
    server_end->pause_reading();
    if (++pauses % 2 == 0) return later.set(loop.now() + std::chrono::milliseconds(1));
    server_end->resume_reading();
  };
  start_both();
  io::run_bounded(loop);
  EXPECT_TRUE(server_ear.received == words);
  EXPECT_GT(pauses, 2);
}

TEST_F(TlsConnection, SaysGoodbyeWhenItClosesGracefully) {
  server_ear.then = [&](const std::string& event) {
    if (event != "handshake") return;
    server_end->send("221 bye\r\n");
    Connection::close_gracefully(std::move(server_end), std::chrono::seconds(5));
  };
  client_ear.then = [&](const std::string& event) {
    if (event == "gone") loop.stop();
  };
  start_both();
  io::run_bounded(loop);
  EXPECT_EQ(client_ear.received, "221 bye\r\n");
  EXPECT_EQ(client_ear.last.status, IoStatus::kEof);
  EXPECT_EQ(static_cast<TlsStream&>(client->stream()).failure(), policy::TlsFailure::kNone);
}

TEST_F(TlsConnection, TellsOfAHandshakeWithSomethingThatIsNoTls) {
  server_ear.bytes = [&](std::string_view) {
    server_end->send("500 what is that\r\n");
    server_end->flush();
  };
  client_ear.then = [&](const std::string& event) {
    if (event == "handshake") loop.stop();
  };
  auto connecting = TlsStream::client(*client_context, client->fd(), MxName("mx.example.com"));
  client->start_tls(std::move(*connecting));
  io::run_bounded(loop);
  EXPECT_EQ(client_ear.last.status, IoStatus::kError);
  EXPECT_EQ(static_cast<TlsStream&>(client->stream()).failure(), policy::TlsFailure::kNotTls);
  EXPECT_THAT(client_ear.events, ::testing::ElementsAre("handshake"));
}

}  // namespace
}  // namespace posthaste::tls
