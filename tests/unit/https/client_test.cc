#include "lib/https/client.h"

#include <gmock/gmock.h>
#include <poll.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include "tests/unit/https/https_server.h"
#include "tests/unit/io/test_sockets.h"

namespace posthaste::https {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kHost = "mta-sts.example.com";
constexpr const char* kUrl = "https://mta-sts.example.com/.well-known/mta-sts.txt";
const std::string kPlain = "Content-Type: text/plain; charset=utf-8\r\n";

tls::CertificateOrder order_for(const std::string& host) {
  tls::CertificateOrder order;
  order.common_name = host;
  order.dns_names = {host};
  return order;
}

class HttpsClient : public ::testing::Test {
 protected:
  HttpsClient()
      : ca_(tls::make_self_signed(tls::authority_order("Test CA"))),
        ca_file_(folder_.write("ca.pem", ca_.certificate_pem)) {
    use({});
  }

  void use(ClientOptions options) { client_ = std::move(*Client::make(loop_, options)); }

  tls::TestCertificate good() const { return issued(order_for(kHost)); }
  tls::TestCertificate issued(const tls::CertificateOrder& order) const {
    return tls::make_issued(order, ca_);
  }

  Request request(const HttpsServer& server) const {
    Request request;
    request.url = kUrl;
    request.addresses = {ipv4(127, 0, 0, 1)};
    request.port = server.port();
    request.ca_file = ca_file_;
    request.timeout = std::chrono::seconds(10);
    return request;
  }

  // Runs the loop until the request has its outcome.
  Outcome ask(Request request) {
    std::optional<Outcome> got;
    client_->send(std::move(request), [&](Outcome outcome) {
      got = std::move(outcome);
      loop_.stop();
    });
    EXPECT_FALSE(got) << "never from inside the call";
    io::run_bounded(loop_);
    if (!got) return tl::unexpected<Failure>(Failure{Failure::Kind::kOther, "no outcome"});
    EXPECT_EQ(client_->running(), 0U);
    return std::move(*got);
  }

  Failure failure(Request request) {
    const Outcome outcome = ask(std::move(request));
    EXPECT_FALSE(outcome);
    return outcome ? Failure{} : outcome.error();
  }

  HttpsServer::Respond with(const std::string& bytes) const {
    return [bytes](SSL* ssl, const std::string&) { ssl_write(ssl, bytes); };
  }

  tls::CertificateFolder folder_;
  const tls::TestCertificate ca_;
  const std::string ca_file_;
  io::Loop loop_;
  std::unique_ptr<Client> client_;
};

using Kind = Failure::Kind;

TEST_F(HttpsClient, GetsAFileWithItsTypeFromTheAddressGiven) {
  std::string seen;
  HttpsServer server(good(), [&](SSL* ssl, const std::string& request) {
    seen = request;
    ssl_write(ssl, response(200, kPlain, "version: STSv1\n"));
  });
  const Outcome outcome = ask(request(server));
  ASSERT_TRUE(outcome) << outcome.error().words;
  EXPECT_EQ(outcome->status, 200);
  EXPECT_EQ(outcome->content_type, "text/plain; charset=utf-8");
  EXPECT_EQ(outcome->body, "version: STSv1\n");
  EXPECT_THAT(seen, StartsWith("GET /.well-known/mta-sts.txt HTTP/1.1\r\n"));
  EXPECT_THAT(seen, HasSubstr("Host: mta-sts.example.com"));
  EXPECT_THAT(seen, Not(HasSubstr("Accept-Encoding")));
}

TEST_F(HttpsClient, SendsTheHostsNameAndNeverTheOldTlsVersions) {
  std::string name;
  HttpsServer old(good(), with(response(200, kPlain, "x")), TLS1_1_VERSION);
  EXPECT_EQ(failure(request(old)).kind, Kind::kHandshake);
  HttpsServer server(good(), [&](SSL* ssl, const std::string&) {
    const char* const said = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    name = said == nullptr ? "" : said;
    ssl_write(ssl, response(200, kPlain, "x"));
  });
  EXPECT_TRUE(ask(request(server)));
  EXPECT_EQ(name, kHost);
}

TEST_F(HttpsClient, PostsABodyWithItsHeaders) {
  std::string seen;
  HttpsServer server(good(), [&](SSL* ssl, const std::string& request) {
    seen = request;
    ssl_write(ssl, response(201, "", ""));
  });
  Request post = request(server);
  post.method = Method::kPost;
  post.body = std::string("{\0}", 3) + std::string(100'000, 'x');
  post.headers = {"Content-Type: application/tlsrpt+gzip"};
  const std::string body = post.body;
  const Outcome outcome = ask(std::move(post));
  ASSERT_TRUE(outcome) << outcome.error().words;
  EXPECT_EQ(outcome->status, 201);
  EXPECT_THAT(seen, StartsWith("POST "));
  EXPECT_THAT(seen, HasSubstr("Content-Type: application/tlsrpt+gzip\r\n"));
  EXPECT_THAT(seen, Not(HasSubstr("Expect:")));
  EXPECT_TRUE(seen.ends_with(body));
}

TEST_F(HttpsClient, TellsAnyStatusThatIsNoRedirect) {
  for (const int status : {200, 204, 404, 500}) {
    HttpsServer server(good(), with(response(status, kPlain, status == 204 ? "" : "words")));
    const Outcome outcome = ask(request(server));
    ASSERT_TRUE(outcome) << status << ": " << outcome.error().words;
    EXPECT_EQ(outcome->status, status);
  }
}

TEST_F(HttpsClient, NeverFollowsARedirect) {
  for (const int status : {301, 302, 303, 307, 308}) {
    HttpsServer server(
        good(), with(response(status, "Location: " + std::string(kUrl) + "\r\n", "over there")));
    EXPECT_EQ(failure(request(server)).kind, Kind::kRedirect) << status;
    EXPECT_EQ(server.connections(), 1);
  }
}

TEST_F(HttpsClient, BelievesNoCertificateThatDoesNotVerifyOrBearsAnotherName) {
  tls::CertificateOrder expired = tls::expired_order();
  expired.dns_names = {kHost};
  tls::CertificateOrder by_common_name = order_for("other.example.com");
  by_common_name.common_name = kHost;
  const std::vector<tls::TestCertificate> bad{
      tls::make_self_signed(order_for(kHost)), issued(order_for("example.com")),
      issued(order_for("a.mta-sts.example.com")), issued(expired), issued(by_common_name)};
  for (const tls::TestCertificate& certificate : bad) {
    bool asked = false;
    HttpsServer server(certificate, [&](SSL*, const std::string&) { asked = true; });
    const Failure failed = failure(request(server));
    EXPECT_EQ(failed.kind, Kind::kCertificate) << failed.words;
    EXPECT_EQ(failed.words.find('\n'), std::string::npos);
    EXPECT_FALSE(asked);
  }
}

TEST_F(HttpsClient, VerifiesAgainstTheSystemsRootsWhereNoFileIsGiven) {
  HttpsServer server(good(), with(response(200, kPlain, "x")));
  Request plain = request(server);
  plain.ca_file.reset();
  EXPECT_EQ(failure(plain).kind, Kind::kCertificate);
  EXPECT_TRUE(ask(request(server))) << "and one transfer's file is not the next one's";
  EXPECT_EQ(failure(plain).kind, Kind::kCertificate);
}

TEST_F(HttpsClient, AMissingCaFileIsOurOwnTrouble) {
  HttpsServer server(good(), with(response(200, kPlain, "x")));
  Request wrong = request(server);
  wrong.ca_file = folder_.path("nothing.pem");
  EXPECT_EQ(failure(wrong).kind, Kind::kLocal);
}

TEST_F(HttpsClient, ReadsTheCaFileForEachTransfer) {
  HttpsServer server(good(), with(response(200, kPlain, "x")));
  Request changing = request(server);
  const std::string path = folder_.path("changing.pem");
  changing.ca_file = path;
  std::filesystem::copy_file(*request(server).ca_file, path);
  EXPECT_TRUE(ask(changing));
  std::ofstream(path, std::ios::trunc) << "nothing\n";
  EXPECT_EQ(failure(changing).kind, Kind::kLocal);
}

TEST_F(HttpsClient, TakesABodyUpToItsBoundAndNoOctetMore) {
  const std::size_t most = 64 * 1024;
  HttpsServer full(good(), with(response(200, kPlain, std::string(most, 'x'))));
  const Outcome outcome = ask(request(full));
  ASSERT_TRUE(outcome) << outcome.error().words;
  EXPECT_EQ(outcome->body.size(), most);

  HttpsServer announced(good(), with(response(200, kPlain, std::string(most + 1, 'x'))));
  EXPECT_EQ(failure(request(announced)).kind, Kind::kTooLarge);

  const std::string head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
  HttpsServer endless(good(), with(head + std::string(most + 1, 'x')));
  EXPECT_EQ(failure(request(endless)).kind, Kind::kTooLarge);

  HttpsServer chunked(good(),
                      with("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10001\r\n" +
                           std::string(most + 1, 'x') + "\r\n0\r\n\r\n"));
  EXPECT_EQ(failure(request(chunked)).kind, Kind::kTooLarge);
}

TEST_F(HttpsClient, TakesNoEndlessHeaders) {
  std::string headers;
  for (int i = 0; i < 100; ++i)
    headers += "X-" + std::to_string(i) + ": " + std::string(900, 'x') + "\r\n";
  HttpsServer server(good(), with(response(200, headers, "x")));
  EXPECT_EQ(failure(request(server)).kind, Kind::kTooLarge);
}

TEST_F(HttpsClient, GivesUpOnAServerThatSaysNothing) {
  HttpsServer server(good(), [](SSL* ssl, const std::string&) { ssl_read(ssl); });
  Request hasty = request(server);
  hasty.timeout = std::chrono::milliseconds(200);
  const Instant began = loop_.fresh_now();
  EXPECT_EQ(failure(hasty).kind, Kind::kTimeout);
  EXPECT_GE(loop_.fresh_now() - began, std::chrono::milliseconds(190));
}

TEST_F(HttpsClient, TellsThatNobodyIsThere) {
  std::uint16_t closed = 0;
  {
    HttpsServer gone(good(), with(""));
    closed = gone.port();
  }
  HttpsServer server(good(), with(response(200, kPlain, "x")));
  Request refused = request(server);
  refused.port = closed;
  EXPECT_EQ(failure(refused).kind, Kind::kConnect);
  Request nowhere = request(server);
  nowhere.addresses.clear();
  EXPECT_EQ(failure(nowhere).kind, Kind::kConnect);
  EXPECT_EQ(server.connections(), 0);
}

TEST_F(HttpsClient, TriesTheAddressesInTurn) {
  HttpsServer server(good(), with(response(200, kPlain, "x")));
  Request several = request(server);
  // Nobody listens on the first ones.
  several.addresses = {parse_ip("::1").value(), ipv4(127, 0, 0, 2), ipv4(127, 0, 0, 1)};
  EXPECT_TRUE(ask(several));
}

TEST_F(HttpsClient, UsesNoProxyOfTheEnvironment) {
  HttpsServer server(good(), with(response(200, kPlain, "x")));
  for (const char* name : {"https_proxy", "HTTPS_PROXY", "all_proxy"}) {
    setenv(name, "http://127.0.0.1:1", 1);
    EXPECT_TRUE(ask(request(server))) << name;
    unsetenv(name);
  }
}

TEST_F(HttpsClient, ForgetsTheAddressesOfOneRequestBeforeTheNext) {
  HttpsServer server(good(), with(response(200, kPlain, "x")));
  EXPECT_TRUE(ask(request(server)));
  Request elsewhere = request(server);
  elsewhere.addresses = {ipv4(127, 0, 0, 2)};
  EXPECT_EQ(failure(elsewhere).kind, Kind::kConnect);
  EXPECT_TRUE(ask(request(server)));
}

TEST_F(HttpsClient, TakesNothingButHttps) {
  HttpsServer server(good(), with(response(200, kPlain, "x")));
  for (const char* url : {"http://mta-sts.example.com/", "ftp://mta-sts.example.com/", "", "//",
                          "https://user:word@mta-sts.example.com/", "https://127.0.0.1/",
                          "https://127.1/", "https://[::1]/", "file:///etc/passwd"}) {
    Request other = request(server);
    other.url = url;
    EXPECT_EQ(failure(other).kind, Kind::kOther) << url;
  }
  EXPECT_EQ(server.connections(), 0);
}

TEST_F(HttpsClient, KnowsHttpsFromOtherProtocolsOnItsPort) {
  auto listening = io::listen_tcp(io::any_port(), false);
  ASSERT_TRUE(listening);
  std::thread plain([&] {
    pollfd ready{listening->get(), POLLIN, 0};
    poll(&ready, 1, 10'000);
    const io::Fd fd(accept4(listening->get(), nullptr, nullptr, SOCK_CLOEXEC));
    constexpr std::string_view kWords = "HTTP/1.1 400 Bad Request\r\n\r\n";
    EXPECT_EQ(send(fd.get(), kWords.data(), kWords.size(), 0), static_cast<ssize_t>(kWords.size()));
    swallow(fd.get());
  });
  HttpsServer server(good(), with(""));
  Request request_there = request(server);
  request_there.port = io::local_endpoint(listening->get()).port;
  EXPECT_EQ(failure(request_there).kind, Kind::kHandshake);
  plain.join();
}

TEST_F(HttpsClient, ClosesWithoutAnAnswerIsAFailure) {
  HttpsServer server(good(), [](SSL*, const std::string&) {});
  EXPECT_EQ(failure(request(server)).kind, Kind::kOther);
  HttpsServer cut(good(), with("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nversion"));
  EXPECT_FALSE(ask(request(cut))) << "half a policy is none";
}

TEST_F(HttpsClient, KeepsToItsBoundOfTransfersAndServesAllInTheEnd) {
  use({.transfers_max = 3, .waiting_max = 100});
  HttpsServer server(good(), with(response(200, kPlain, "x")));
  int done = 0;
  for (int i = 0; i < 20; ++i) {
    client_->send(request(server), [&](const Outcome& outcome) {
      EXPECT_TRUE(outcome);
      if (++done == 20) loop_.stop();
    });
  }
  EXPECT_EQ(client_->running(), 3U);
  EXPECT_EQ(client_->waiting(), 17U);
  io::run_bounded(loop_);
  EXPECT_EQ(done, 20);
  EXPECT_EQ(server.connections(), 20) << "a connection for each";
}

TEST_F(HttpsClient, RefusesWhatIsTooManyToWait) {
  use({.transfers_max = 1, .waiting_max = 1});
  HttpsServer server(good(), with(response(200, kPlain, "x")));
  std::vector<bool> outcomes;
  for (int i = 0; i < 3; ++i) {
    client_->send(request(server), [&](const Outcome& outcome) {
      outcomes.push_back(outcome.has_value());
      if (outcomes.size() == 3) loop_.stop();
    });
  }
  io::run_bounded(loop_);
  EXPECT_THAT(outcomes, ::testing::ElementsAre(false, true, true));
}

TEST_F(HttpsClient, MayBeAskedAgainFromAReceiver) {
  HttpsServer server(good(), with(response(200, kPlain, "x")));
  int done = 0;
  std::function<void(Outcome)> again = [&](const Outcome& outcome) {
    EXPECT_TRUE(outcome);
    if (++done == 5) {
      loop_.stop();
    } else {
      client_->send(request(server), again);
    }
  };
  client_->send(request(server), again);
  io::run_bounded(loop_);
  EXPECT_EQ(done, 5);
}

TEST_F(HttpsClient, CancelsWhatIsUnderWayWhenItGoes) {
  use({.transfers_max = 2, .waiting_max = 10});
  HttpsServer* stopping = nullptr;
  io::Timer go(loop_, [&] {
    if (stopping->connections() < 2) {
      go.set(loop_.now() + std::chrono::milliseconds(5));
      return;
    }
    client_.reset();
    loop_.stop();
  });
  HttpsServer server(good(), [](SSL* ssl, const std::string&) { ssl_read(ssl); });
  stopping = &server;
  for (int i = 0; i < 4; ++i) {
    client_->send(request(server), [](const Outcome&) { ADD_FAILURE() << "nobody is there"; });
  }
  go.set(loop_.now());
  io::run_bounded(loop_);
  EXPECT_FALSE(client_);
}

TEST(OriginOf, IsTheHostAndPortOfAUrl) {
  EXPECT_EQ(origin_of("https://MTA-STS.Example.com/x"), (Origin{"mta-sts.example.com", 443}));
  EXPECT_EQ(origin_of("https://a.example:8443"), (Origin{"a.example", 8443}));
  for (const char* bad : {"http://a.example/", "https://a,b.example/", "https://a.example:0/",
                          "https://0x7f000001/", "https://[::1]/", "https://m\xC3\xBCll.example/",
                          "https://u@a.example/", "mailto:a@b.example"}) {
    EXPECT_FALSE(origin_of(bad)) << bad;
  }
}

TEST(FailureKinds, AllHaveLabels) {
  for (std::size_t i = 0; i < kFailureKinds; ++i) {
    EXPECT_FALSE(label(static_cast<Failure::Kind>(i)).empty());
  }
}

}  // namespace
}  // namespace posthaste::https
