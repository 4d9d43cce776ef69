// TLS reports on their way: by mail into our own queue, by HTTPS to a real server.
#include "daemon/tls_reporter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <zlib.h>

#include <atomic>
#include <nlohmann/json.hpp>

#include "tests/unit/daemon/reporter_house.h"
#include "tests/unit/https/https_server.h"

namespace posthaste::daemon {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kByMail = "v=TLSRPTv1; rua=mailto:tls-reports@good.example";
constexpr std::size_t kJsonOctetsMax = 64 * 1024;

std::string unpacked(const std::string& packed) {
  std::string text(kJsonOctetsMax, '\0');
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  text.resize(stream.total_out);
  inflateEnd(&stream);
  return text;
}

// Of the last part, which is base64.
std::string attachment(const std::string& mail) {
  const auto begin = mail.find("\r\n\r\n", mail.find("Content-Transfer-Encoding: base64")) + 4;
  std::string text;
  for (const char c : mail.substr(begin, mail.find("\r\n--", begin) - begin)) {
    if (c != '\r' && c != '\n') text += c;
  }
  std::string octets(text.size(), '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(octets.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  EXPECT_GT(size, 0);
  octets.resize(static_cast<std::size_t>(std::max(size, 0)));
  return octets;
}

std::string content_of(const queue::Accept& mail) {
  std::string content;
  for (const mail::Chunk& chunk : mail.chunks) content += *chunk;
  return content;
}

class TlsReporterTest : public ReporterHouse {
 protected:
  void expect_report(const std::string& packed) {
    const Json json = Json::parse(unpacked(packed));
    const std::string day = report::render_day(yesterday());
    EXPECT_EQ(json["organization-name"], "Ours");
    EXPECT_EQ(json["contact-info"], "tls@mta.test");
    EXPECT_EQ(json["date-range"]["start-datetime"], day + "T00:00:00Z");
    EXPECT_EQ(json["date-range"]["end-datetime"], day + "T23:59:59Z");
    EXPECT_THAT(json["report-id"].get<std::string>(), HasSubstr("@mta.test"));
    ASSERT_EQ(json["policies"].size(), 1U);
    const Json& policy = json["policies"][0];
    EXPECT_EQ(policy["policy"]["policy-domain"], "good.example");
    EXPECT_EQ(policy["summary"]["total-successful-session-count"], 2);
    EXPECT_EQ(policy["summary"]["total-failure-session-count"], 1);
    EXPECT_EQ(policy["failure-details"][0]["result-type"], "starttls-not-supported");
  }
};

TEST_F(TlsReporterTest, AReportGoesByMailThroughOurOwnQueue) {
  publish(kByMail);
  counted();
  start();
  const auto mails = store().accepted(1);
  ASSERT_EQ(mails.size(), 1U);
  EXPECT_EQ(mails[0].envelope->tls_wish, mail::TlsWish::kOptional);
  EXPECT_EQ(mails[0].envelope->sender.text(), "postmaster@mta.test");
  ASSERT_EQ(mails[0].recipients.size(), 1U);
  EXPECT_EQ(mails[0].recipients[0].recipient.address.text(), "tls-reports@good.example");
  EXPECT_EQ(mails[0].recipients[0].tls_wish, mail::TlsWish::kOptional);
  const std::string content = content_of(mails[0]);
  for (const char* field :
       {"TLS-Required: No\r\n", "TLS-Report-Domain: good.example\r\n",
        "TLS-Report-Submitter: mta.test\r\n", "Subject: Report Domain: good.example Submitter: ",
        "multipart/report; report-type=\"tlsrpt\"", "application/tlsrpt+gzip"}) {
    EXPECT_THAT(content, HasSubstr(field));
  }
  expect_report(attachment(content));
  wait_for("sent", 1);
}

TEST_F(TlsReporterTest, WhatWasSentIsNotSentAgainAfterARestart) {
  publish(kByMail);
  counted();
  start();
  wait_for("sent", 1);
  stop();
  counted("other.example");
  start();
  const auto mails = store().accepted(1);
  EXPECT_EQ(mails[0].recipients[0].recipient.address.text(), "o@other.example");
  wait_for("sent", 1);
  stop();
  start();
  EXPECT_THAT(read("other.example"), HasSubstr("starttls-not-supported"));
  EXPECT_TRUE(store().accepted(0).empty());
}

TEST_F(TlsReporterTest, WhoeverDoesNotAskIsNotTold) {
  publish("");
  counted();
  counted("other.example");
  start();
  wait_for("sent", 1);
  EXPECT_EQ(store().accepted(1).size(), 1U);
  EXPECT_THAT(read(), HasSubstr("good.example"));
}

TEST_F(TlsReporterTest, WhatIsTooOldIsNotSentAnyMore) {
  publish(kByMail);
  counted("good.example", 2 * kOneDay);
  counted("other.example");
  start();
  const auto mails = store().accepted(1);
  ASSERT_EQ(mails.size(), 1U);
  EXPECT_EQ(mails[0].recipients[0].recipient.address.text(), "o@other.example");
}

TEST_F(TlsReporterTest, NothingIsSentUntilTheOperatorSaysSo) {
  publish(kByMail);
  counted();
  start(false);
  EXPECT_THAT(read(), HasSubstr("starttls-not-supported"));
  EXPECT_TRUE(store().accepted(0).empty());
  reporter().reconfigure(runtime(true));
  EXPECT_EQ(store().accepted(1).size(), 1U);
}

TEST_F(TlsReporterTest, ResultsOfTodayAreAddedToThoseThatWereKept) {
  publish(kByMail);
  counted("good.example", std::chrono::days(0));
  start();
  reporter().count({.domain = "good.example", .policy = {}, .success = true, .failure = {}});
  std::promise<std::string> told;
  reporter().read(report::report_day(loop_.now()), "good.example",
                  [&](std::string json) { told.set_value(std::move(json)); });
  const Json json = Json::parse(told.get_future().get());
  EXPECT_EQ(json["policies"][0]["summary"]["total-successful-session-count"], 3);
  EXPECT_TRUE(store().accepted(0).empty()) << "its day is not over";
}

// A server that answers with `statuses` in turn, and with the last of them from then on.
class ByHttps : public TlsReporterTest {
 protected:
  void serve(std::vector<int> statuses) {
    const auto ca = tls::make_self_signed(tls::authority_order("Test CA"));
    tls::CertificateOrder order;
    order.dns_names = {"reports.good.example"};
    server_ = std::make_unique<https::HttpsServer>(
        tls::make_issued(order, ca),
        [this, statuses = std::move(statuses)](SSL* ssl, const std::string& request) {
          std::size_t turn = 0;
          {
            const std::lock_guard lock(mutex_);
            turn = requests_.size();
            requests_.push_back(request);
          }
          https::ssl_write(ssl,
                           https::response(statuses[std::min(turn, statuses.size() - 1)], "", ""));
        });
    ca_file_ = folder_.write("ca.pem", ca.certificate_pem);
    address_ = "https://reports.good.example:" + std::to_string(server_->port()) + "/v1/tlsrpt";
    publish_targets(address_);
  }
  void publish_targets(const std::string& targets) {
    publish("v=TLSRPTv1; rua=" + targets, "reports.good.example. 60 IN A 127.0.0.1\n");
  }
  const std::string& address() const { return address_; }
  // The next time would be too late.
  void try_once() { desk_.retry = kOneDay; }
  std::vector<std::string> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  int connections() const { return server_->connections(); }

 private:
  tls::CertificateFolder folder_;
  std::mutex mutex_;
  std::vector<std::string> requests_;  // guarded by mutex_
  std::string address_;
  std::unique_ptr<https::HttpsServer> server_;
};

TEST_F(ByHttps, AReportIsPosted) {
  serve({201});
  counted();
  start();
  wait_for("sent", 1);
  ASSERT_EQ(requests().size(), 1U);
  const std::string request = requests()[0];
  EXPECT_THAT(request, StartsWith("POST /v1/tlsrpt HTTP/1.1\r\n"));
  EXPECT_THAT(request, HasSubstr("\r\nContent-Type: application/tlsrpt+gzip\r\n"));
  expect_report(request.substr(request.find("\r\n\r\n") + 4));
  EXPECT_TRUE(store().accepted(0).empty());
}

TEST_F(ByHttps, AServerThatFailsIsAskedAgain) {
  serve({503, 302, 200});
  counted();
  start();
  wait_for("sent", 1);
  ASSERT_EQ(requests().size(), 3U);
  expect_report(requests()[2].substr(requests()[2].find("\r\n\r\n") + 4));
  EXPECT_TRUE(counts("failed", 0));
}

TEST_F(ByHttps, WhereTheFirstTargetFailsTheSecondIsTried) {
  serve({500, 200});
  publish_targets(address() + "/first," + address() + "/second");
  try_once();
  counted();
  start();
  wait_for("sent", 1);
  ASSERT_EQ(requests().size(), 2U);
  EXPECT_THAT(requests()[0], StartsWith("POST /v1/tlsrpt/first "));
  EXPECT_THAT(requests()[1], StartsWith("POST /v1/tlsrpt/second "));
}

TEST_F(ByHttps, AfterADayNobodyTriesAgain) {
  serve({503});
  try_once();
  counted();
  start();
  wait_for("failed", 1);
  EXPECT_EQ(requests().size(), 1U);
  stop();
  start();
  read();
  EXPECT_TRUE(counts("failed", 0));
}

TEST_F(ByHttps, ASpecialPurposeAddressIsNotCalled) {
  serve({200});
  allowed_ = false;
  try_once();
  counted();
  start();
  wait_for("failed", 1);
  EXPECT_EQ(connections(), 0);
}

TEST_F(ByHttps, ACertificateThatDoesNotVerifyGetsNoReport) {
  serve({200});
  ca_file_.clear();
  try_once();
  counted();
  start();
  wait_for("failed", 1);
  EXPECT_TRUE(requests().empty());
}

}  // namespace
}  // namespace posthaste::daemon
