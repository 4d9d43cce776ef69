// The tool's two conversations, over real sockets: HTTP with the daemon, SMTP with a server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <future>

#include "daemon/tool/api_client.h"
#include "daemon/tool/command.h"
#include "daemon/tool/submission.h"
#include "tests/unit/daemon/server_fixture.h"

namespace posthaste::daemon::tool {
namespace {

using testing::HasSubstr;

class ToolTalk : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = std::filesystem::temp_directory_path() / "posthaste-tool-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    path_ = folder_ + "/admin.sock";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void serve(HttpHandler handler) {
    auto listening = io::listen_unix(path_, 0600);
    ASSERT_TRUE(listening);
    server_ = std::make_unique<ServerThread>(std::move(*listening), std::move(handler));
  }
  Outcome run(std::vector<std::string> words) {
    words.insert(words.begin(), {"--socket", path_});
    return run_tool(words, {});
  }

  std::string folder_;
  std::string path_;
  std::unique_ptr<ServerThread> server_;
};

TEST_F(ToolTalk, AsksOverTheUnixSocket) {
  serve([](const HttpRequest& request, const Respond& respond) {
    respond({.status = 404, .body = request.path + "|" + request.parameter("domain")});
  });
  const auto answer = ApiClient(path_).get("/v1/x?domain=" + encode_component("a b&c=%/€"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 404);
  EXPECT_EQ(answer->body, "/v1/x|a b&c=%/€");
}

TEST_F(ToolTalk, SaysWhatToDoWhenNobodyIsThere) {
  const auto outcome = run({"status"});
  EXPECT_EQ(outcome.status, kFailed);
  EXPECT_EQ(outcome.err, "cannot reach posthasted at " + path_ +
                             ": is it running? (systemctl status posthaste; --socket PATH)");
}

TEST_F(ToolTalk, FailsWithTheWordsOfTheDaemon) {
  serve([](const HttpRequest&, const Respond& respond) {
    respond({.status = 404, .body = R"({"error":"message X is not known here"})"});
  });
  const auto outcome = run({"trace", "0123456789ABC"});
  EXPECT_EQ(outcome.status, kFailed);
  EXPECT_EQ(outcome.err, "message X is not known here");
  EXPECT_EQ(outcome.out, "");
}

TEST_F(ToolTalk, PrintsTheAnswerAsItCameForMachines) {
  const std::string body = "{\"now\" : null,  \"version\":\"x\"}\n";
  serve([&](const HttpRequest&, const Respond& respond) { respond({.body = body}); });
  const auto outcome = run({"status", "--json"});
  EXPECT_EQ(outcome.status, kDone);
  EXPECT_EQ(outcome.out, body);
}

TEST_F(ToolTalk, WalksThroughThePagesOfTheQueueUntilThereIsEnough) {
  std::vector<std::string> cursors;
  serve([&](const HttpRequest& request, const Respond& respond) {
    cursors.push_back(request.parameter("cursor") + "/" + request.parameter("limit"));
    const std::string next = "1.0.0000000000000." + std::to_string(cursors.size());
    // The second page is empty, as pages of a rare sender are.
    const std::string recipients = cursors.size() == 2 ? "" : R"({"id":"a"},{"id":"b"})";
    respond(
        {.body = R"({"now":null,"recipients":[)" + recipients + R"(],"next":")" + next + "\"}"});
  });
  const auto outcome = run({"queue", "list", "--limit", "4"});
  EXPECT_EQ(outcome.status, kDone) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("4 recipients; there are more"));
  EXPECT_THAT(cursors,
              testing::ElementsAre("/4", "1.0.0000000000000.1/2", "1.0.0000000000000.2/2"));
}

TEST_F(ToolTalk, CallsWrongWordsWrong) {
  EXPECT_EQ(run({"queue", "list", "--limit", "0"}).status, kNotUnderstood);
  EXPECT_EQ(run({"send"}).status, kNotUnderstood);
  EXPECT_EQ(run({"send", "--from", "a@example.com", "--to", "no address"}).status, kNotUnderstood);
  EXPECT_EQ(run({}).status, kNotUnderstood);
  EXPECT_EQ(run({"--help"}).status, kDone);
}

// Answers an SMTP conversation line by line, and keeps what it heard.
class SmtpServer {
 public:
  explicit SmtpServer(std::string final_reply) : final_reply_(std::move(final_reply)) {
    auto listening = io::listen_tcp({ipv4(127, 0, 0, 1), 0}, false);
    EXPECT_TRUE(listening);
    at_ = io::local_endpoint(listening->get());
    thread_ = std::thread(
        [this, fd = std::make_shared<io::Fd>(std::move(*listening))] { serve(fd->get()); });
  }
  ~SmtpServer() { thread_.join(); }
  const Endpoint& at() const { return at_; }
  std::string heard() { return done_.get_future().get(); }

 private:
  void serve(int listening) {
    // The listening socket does not block: wait for the client by reading readiness.
    fd_set readable;
    FD_ZERO(&readable);
    FD_SET(listening, &readable);
    timeval patience{.tv_sec = 20, .tv_usec = 0};
    EXPECT_EQ(select(listening + 1, &readable, nullptr, nullptr, &patience), 1);
    const io::Fd client(accept(listening, nullptr, nullptr));
    say(client, "220 test\r\n");
    std::string heard;
    std::string buffer;
    bool content = false;
    for (char chunk[1024];;) {
      const ssize_t count = recv(client.get(), chunk, sizeof chunk, 0);
      if (count <= 0) break;
      buffer.append(chunk, static_cast<std::size_t>(count));
      for (std::size_t end; (end = buffer.find("\r\n")) != std::string::npos;) {
        const std::string line = buffer.substr(0, end);
        buffer.erase(0, end + 2);
        heard += line + "\n";
        content = answer(client, line, content);
      }
    }
    done_.set_value(heard);
  }
  bool answer(const io::Fd& client, const std::string& line, bool content) {
    if (content) {
      if (line == ".") say(client, final_reply_);
      return line != ".";
    }
    if (line == "DATA") say(client, "354 go on\r\n");
    if (line == "QUIT") say(client, "221 bye\r\n");
    if (line != "DATA" && line != "QUIT") say(client, "250 ok\r\n");
    return line == "DATA";
  }
  static void say(const io::Fd& client, const std::string& words) {
    (void)send(client.get(), words.data(), words.size(), MSG_NOSIGNAL);
  }

  const std::string final_reply_;
  Endpoint at_;
  std::promise<std::string> done_;
  std::thread thread_;
};

Submission submission_to(const SmtpServer& server) {
  return {.server = render_endpoint(server.at()),
          .helo = "client.example",
          .from = "a@example.com",
          .to = {"b@example.com", "c@example.com"},
          .content = "Subject: x\r\n\r\n.dot\r\n"};
}

TEST_F(ToolTalk, SubmitsAMessageAndTellsTheReply) {
  SmtpServer server("250 2.0.0 queued as 0123456789ABC\r\n");
  const auto reply = submit(submission_to(server));
  ASSERT_TRUE(reply) << reply.error().words;
  EXPECT_EQ(*reply, "250 2.0.0 queued as 0123456789ABC");
  const std::string heard = server.heard();
  EXPECT_THAT(heard, testing::StartsWith("EHLO client.example\n"));
  EXPECT_THAT(heard, HasSubstr("MAIL FROM:<a@example.com>"));
  EXPECT_THAT(heard, HasSubstr("RCPT TO:<b@example.com>\nRCPT TO:<c@example.com>\nDATA\n"));
  EXPECT_THAT(heard, HasSubstr("Subject: x\n\n..dot\n.\n"));
}

TEST_F(ToolTalk, SubmitsFromTheNullSender) {
  SmtpServer server("250 ok\r\n");
  auto submission = submission_to(server);
  submission.from.clear();
  EXPECT_TRUE(submit(submission));
  EXPECT_THAT(server.heard(), HasSubstr("MAIL FROM:<>"));
}

TEST_F(ToolTalk, TellsTheRefusalOfAServer) {
  SmtpServer server("452 4.3.1 queue full\r\n");
  const auto reply = submit(submission_to(server));
  ASSERT_FALSE(reply);
  EXPECT_THAT(reply.error().words, HasSubstr("452 4.3.1 queue full"));
}

}  // namespace
}  // namespace posthaste::daemon::tool
