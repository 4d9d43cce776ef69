#include "daemon/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <future>
#include <memory>

#include "tests/unit/daemon/server_fixture.h"

namespace posthaste::daemon {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

void echo_path(const HttpRequest& request, const Respond& respond) {
  respond({.body = request.path});
}

std::string get(const std::string& path) {
  return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
}

class HttpServerTest : public testing::Test {
 protected:
  void serve(HttpHandler handler, HttpServer::Options options = {}) {
    auto listening = io::listen_tcp({ipv4(127, 0, 0, 1), 0}, false);
    ASSERT_TRUE(listening);
    at_ = io::local_endpoint(listening->get());
    server_ = std::make_unique<ServerThread>(std::move(*listening), std::move(handler), options);
  }

  Endpoint at_;
  std::unique_ptr<ServerThread> server_;
};

TEST_F(HttpServerTest, AnswersARequest) {
  serve(echo_path);
  Client client(at_);
  client.send(get("/hello"));
  const std::string response = client.receive();
  EXPECT_THAT(response, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(response, EndsWith("\r\n\r\n/hello"));
}

TEST_F(HttpServerTest, AnswersARequestThatComesByteByByte) {
  serve(echo_path);
  Client client(at_);
  const int on = 1;
  setsockopt(client.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  for (const char c : get("/slowly")) client.send({&c, 1});
  EXPECT_THAT(client.receive(), EndsWith("/slowly"));
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInTheirOrder) {
  serve(echo_path);
  Client client(at_);
  client.send(get("/1") + get("/2") + get("/3"));
  EXPECT_THAT(client.receive(), EndsWith("/1"));
  EXPECT_THAT(client.receive(), EndsWith("/2"));
  EXPECT_THAT(client.receive(), EndsWith("/3"));
  client.send(get("/4"));
  EXPECT_THAT(client.receive(), EndsWith("/4"));
}

TEST_F(HttpServerTest, KeepsPipelinedRequestsInOrderWhenTheFirstAnswerComesLate) {
  std::promise<Respond> asked;
  serve([&](const HttpRequest& request, const Respond& respond) {
    if (request.path == "/late") return asked.set_value(respond);
    respond({.body = request.path});
  });
  Client client(at_);
  client.send(get("/late") + get("/early"));
  const Respond respond = asked.get_future().get();
  server_->post([respond] { respond({.body = "late"}); });
  EXPECT_THAT(client.receive(), EndsWith("\r\n\r\nlate"));
  EXPECT_THAT(client.receive(), EndsWith("/early"));
}

TEST_F(HttpServerTest, LeavesTheBodyOutOfTheAnswerToHead) {
  serve(echo_path);
  Client client(at_);
  client.send("HEAD /abc HTTP/1.1\r\nHost: x\r\n\r\n" + get("/next"));
  EXPECT_THAT(client.receive(true), HasSubstr("Content-Length: 4\r\n"));
  EXPECT_THAT(client.receive(), EndsWith("/next"));
}

TEST_F(HttpServerTest, ClosesWhenTheClientAsksForIt) {
  serve(echo_path);
  Client client(at_);
  client.send("GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(client.receive(), HasSubstr("Connection: close"));
  EXPECT_TRUE(client.ended());
}

TEST_F(HttpServerTest, RefusesGarbageAndCloses) {
  serve(echo_path);
  Client client(at_);
  client.send("MAIL FROM:<a@example.com>\r\n");
  EXPECT_THAT(client.receive(), StartsWith("HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_TRUE(client.ended());
}

TEST_F(HttpServerTest, RefusesAHeadThatIsTooLong) {
  serve(echo_path);
  Client client(at_);
  client.send("GET /" + std::string(9000, 'a'));
  EXPECT_THAT(client.receive(), StartsWith("HTTP/1.1 431 "));
  EXPECT_TRUE(client.ended());
}

TEST_F(HttpServerTest, TakesAnAnswerAfterTheClientIsGoneWithoutHarm) {
  std::promise<Respond> asked;
  serve([&](const HttpRequest& request, const Respond& respond) {
    if (request.path == "/late") return asked.set_value(respond);
    respond({.body = request.path});
  });
  {
    Client client(at_);
    client.send(get("/late"));
    const linger reset{.l_onoff = 1, .l_linger = 0};
    setsockopt(client.fd(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    const Respond respond = asked.get_future().get();
    client.hang_up();
    server_->post([respond] {
      respond({.body = "nobody hears this"});
      respond({.body = "nor this"});
    });
  }
  Client next(at_);
  next.send(get("/alive"));
  EXPECT_THAT(next.receive(), EndsWith("/alive"));
}

TEST_F(HttpServerTest, TakesAnAnswerAfterItsOwnEndWithoutHarm) {
  std::promise<Respond> asked;
  serve([&](const HttpRequest&, const Respond& respond) { asked.set_value(respond); });
  Client client(at_);
  client.send(get("/"));
  const Respond respond = asked.get_future().get();
  server_.reset();
  respond({.body = "too late"});
  EXPECT_EQ(client.receive(), "");
}

TEST_F(HttpServerTest, SendsOnlyTheFirstOfTwoAnswers) {
  serve([](const HttpRequest& request, const Respond& respond) {
    respond({.body = request.path + " first"});
    respond({.body = request.path + " second"});
  });
  Client client(at_);
  client.send(get("/a") + get("/b"));
  EXPECT_THAT(client.receive(), EndsWith("/a first"));
  EXPECT_THAT(client.receive(), EndsWith("/b first"));
}

TEST_F(HttpServerTest, EndsAConnectionThatSaysNothing) {
  serve(echo_path, {.patience = std::chrono::milliseconds(20)});
  Client client(at_);
  EXPECT_TRUE(client.ended());
}

TEST_F(HttpServerTest, AnswersForAHandlerThatDoesNot) {
  serve([](const HttpRequest&, const Respond&) {}, {.patience = std::chrono::milliseconds(20)});
  Client client(at_);
  client.send(get("/"));
  EXPECT_THAT(client.receive(), StartsWith("HTTP/1.1 503 "));
  EXPECT_TRUE(client.ended());
}

TEST_F(HttpServerTest, TurnsAwayConnectionsThatAreTooMany) {
  serve(echo_path, {.connections_max = 2});
  Client first(at_);
  Client second(at_);
  first.send(get("/1"));
  second.send(get("/2"));
  EXPECT_THAT(first.receive(), EndsWith("/1"));
  EXPECT_THAT(second.receive(), EndsWith("/2"));
  Client third(at_);
  EXPECT_THAT(third.receive(), StartsWith("HTTP/1.1 503 "));
  EXPECT_TRUE(third.ended());
}

TEST_F(HttpServerTest, SendsALongAnswerWhole) {
  const std::string body(8U << 20, 'x');
  serve([&](const HttpRequest&, const Respond& respond) { respond({.body = body}); });
  Client client(at_);
  client.send(get("/1") + get("/2"));
  EXPECT_THAT(client.receive().size(), testing::Gt(body.size()));
  EXPECT_THAT(client.receive().size(), testing::Gt(body.size()));
}

}  // namespace
}  // namespace posthaste::daemon
