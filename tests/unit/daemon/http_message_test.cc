#include "daemon/http_message.h"

#include <gtest/gtest.h>

namespace posthaste::daemon {
namespace {

TEST(HttpMessage, DecodesPathAndQuery) {
  HttpRequest request;
  ASSERT_TRUE(
      parse_target("/a%20b/c+d?sender=%3C%3E&words=one+two&flag&=none&x=1&x=2#part", request));
  EXPECT_EQ(request.path, "/a b/c+d");
  EXPECT_EQ(request.parameter("sender"), "<>");
  EXPECT_EQ(request.parameter("words"), "one two");
  EXPECT_EQ(request.parameter("x"), "2");
  EXPECT_TRUE(request.query.contains("flag"));
  EXPECT_EQ(request.query.size(), 4U);
}

TEST(HttpMessage, ForgetsTheQueryOfTheRequestBefore) {
  HttpRequest request;
  ASSERT_TRUE(parse_target("/?a=1", request));
  ASSERT_TRUE(parse_target("/", request));
  EXPECT_TRUE(request.query.empty());
}

TEST(HttpMessage, RefusesBadTargets) {
  HttpRequest request;
  for (const char* target :
       {"", "*", "http://x/", "/%", "/%4", "/%4g", "/%00", "/?a=%", "/?%zz=1"}) {
    EXPECT_FALSE(parse_target(target, request)) << target;
  }
}

TEST(HttpMessage, FramesAResponse) {
  const HttpResponse response{.status = 405, .body = "use GET\n"};
  const std::string head =
      render_head(response, {.keep_alive = true}, Instant(std::chrono::seconds(784111777)));
  EXPECT_EQ(head,
            "HTTP/1.1 405 Method Not Allowed\r\n"
            "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Content-Length: 8\r\n"
            "Cache-Control: no-store\r\n"
            "Allow: GET, HEAD\r\n"
            "Connection: keep-alive\r\n"
            "\r\n");
}

}  // namespace
}  // namespace posthaste::daemon
