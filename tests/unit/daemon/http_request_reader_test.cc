#include "daemon/http_request_reader.h"

#include <gtest/gtest.h>

#include <string>

namespace posthaste::daemon {
namespace {

using State = HttpRequestReader::State;

const std::string kGet = "GET /v1/queue?domain=example.com&limit=5 HTTP/1.1\r\nHost: x\r\n\r\n";

std::string request_of(const std::string& first_line) {
  return first_line + "\r\nHost: localhost\r\n\r\n";
}

// The status that a request is refused with; 0: it is not.
int refused_with(const std::string& bytes) {
  HttpRequestReader reader;
  std::size_t taken = 0;
  while (taken < bytes.size() && reader.state() == State::kReading) {
    taken += reader.feed(std::string_view(bytes).substr(taken));
  }
  return reader.state() == State::kRefused ? reader.refusal().status : 0;
}

TEST(HttpRequestReader, ReadsARequestInOnePiece) {
  HttpRequestReader reader;
  EXPECT_EQ(reader.feed(kGet), kGet.size());
  ASSERT_EQ(reader.state(), State::kComplete);
  EXPECT_EQ(reader.request().method, "GET");
  EXPECT_EQ(reader.request().path, "/v1/queue");
  EXPECT_EQ(reader.request().parameter("domain"), "example.com");
  EXPECT_EQ(reader.request().parameter("limit"), "5");
  EXPECT_EQ(reader.request().parameter("cursor"), "");
  EXPECT_TRUE(reader.framing().keep_alive);
}

TEST(HttpRequestReader, ReadsARequestByteByByte) {
  HttpRequestReader reader;
  for (std::size_t i = 0; i < kGet.size(); ++i) {
    ASSERT_EQ(reader.state(), State::kReading) << "at byte " << i;
    ASSERT_EQ(reader.feed(std::string_view(kGet).substr(i, 1)), 1U);
  }
  ASSERT_EQ(reader.state(), State::kComplete);
  EXPECT_EQ(reader.request().path, "/v1/queue");
  EXPECT_EQ(reader.request().parameter("domain"), "example.com");
}

TEST(HttpRequestReader, LeavesTheNextRequestAlone) {
  HttpRequestReader reader;
  const std::string second = request_of("GET /second HTTP/1.1");
  const std::string both = kGet + second;
  ASSERT_EQ(reader.feed(both), kGet.size());
  reader.next();
  ASSERT_EQ(reader.feed(second), second.size());
  ASSERT_EQ(reader.state(), State::kComplete);
  EXPECT_EQ(reader.request().path, "/second");
  EXPECT_TRUE(reader.request().query.empty());
}

TEST(HttpRequestReader, TreatsHeadAsAGetWithoutABody) {
  HttpRequestReader reader;
  reader.feed(request_of("HEAD /metrics HTTP/1.1"));
  ASSERT_EQ(reader.state(), State::kComplete);
  EXPECT_EQ(reader.request().method, "GET");
  EXPECT_TRUE(reader.framing().head_only);
}

TEST(HttpRequestReader, ReadsABodyOfGivenLength) {
  HttpRequestReader reader;
  reader.feed("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel");
  ASSERT_EQ(reader.state(), State::kReading);
  EXPECT_EQ(reader.feed("loGET"), 2U);
  ASSERT_EQ(reader.state(), State::kComplete);
  EXPECT_EQ(reader.request().body, "hello");
}

TEST(HttpRequestReader, EndsTheConnectionWhenAsked) {
  for (const std::string head :
       {"GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"}) {
    HttpRequestReader reader;
    reader.feed(head);
    ASSERT_EQ(reader.state(), State::kComplete) << head;
    EXPECT_FALSE(reader.framing().keep_alive) << head;
  }
}

TEST(HttpRequestReader, RefusesWhatIsNoRequest) {
  EXPECT_EQ(refused_with("EHLO client.example\r\n"), 400);
  EXPECT_EQ(refused_with(std::string("\x16\x03\x01\x02\x00\x01", 6)), 400);
  EXPECT_EQ(refused_with("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 400);
  EXPECT_EQ(refused_with(request_of("GET /%zz HTTP/1.1")), 400);
  EXPECT_EQ(refused_with(request_of("GET http://elsewhere/ HTTP/1.1")), 400);
  EXPECT_EQ(refused_with("GET / HTTP/1.1\r\n\r\n"), 400) << "without Host";
  EXPECT_EQ(refused_with("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
                         "Transfer-Encoding: chunked\r\n\r\n"),
            400)
      << "request smuggling";
  EXPECT_EQ(refused_with(request_of("DELETE /v1/queue HTTP/1.1")), 405);
  EXPECT_EQ(refused_with(request_of("GET / HTTP/2.0")), 505);
}

TEST(HttpRequestReader, AcceptsAHeadOfEightKibibytesAndNoMore) {
  const std::string front = "GET / HTTP/1.1\r\nHost: x\r\nX-Pad: ";
  const std::string end = "\r\n\r\n";
  const auto padded = [&](std::size_t total) {
    return front + std::string(total - front.size() - end.size(), 'a') + end;
  };
  EXPECT_EQ(refused_with(padded(HttpRequestReader::kHeadBytesMax)), 0);
  EXPECT_EQ(refused_with(padded(HttpRequestReader::kHeadBytesMax + 1)), 431);
  EXPECT_EQ(refused_with("GET /" + std::string(100'000, 'a')), 431);
  EXPECT_EQ(refused_with(std::string(100'000, '\n')), 431) << "empty lines before a request";
}

TEST(HttpRequestReader, RefusesABodyThatIsTooLong) {
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\n";
  EXPECT_EQ(refused_with(head + "Content-Length: 65537\r\n\r\n"), 413) << "before it comes";
  EXPECT_EQ(
      refused_with(head + "Transfer-Encoding: chunked\r\n\r\n10001\r\n" + std::string(65'537, 'x')),
      413);
}

}  // namespace
}  // namespace posthaste::daemon
