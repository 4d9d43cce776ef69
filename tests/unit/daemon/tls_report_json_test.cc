#include "daemon/tls_report_json.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <nlohmann/json.hpp>

namespace posthaste::daemon {
namespace {

// RFC 8460 §4.4 and appendix B, as its example has it.
report::TlsReport rfc_example() {
  report::TlsReport report;
  report::TlsResult result;
  result.domain = "company-y.example";
  result.policy = {
      report::TlsPolicyType::kSts,
      {"version: STSv1", "mode: testing", "mx: *.mail.company-y.example", "max_age: 86400"},
      {"*.mail.company-y.example"}};
  result.success = true;
  for (int i = 0; i < 5326; ++i) report.add(result);
  result.success = false;
  result.failure = {"certificate-expired", "2001:db8:abcd:0012::1", "mx1.mail.company-y.example",
                    "", ""};
  for (int i = 0; i < 100; ++i) report.add(result);
  result.failure = {"starttls-not-supported", "2001:db8:abcd:0013::1", "mx2.mail.company-y.example",
                    "203.0.113.56", ""};
  for (int i = 0; i < 200; ++i) report.add(result);
  result.failure = {"validation-failure", "198.51.100.62", "mx-backup.mail.company-y.example",
                    "203.0.113.58", "X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED"};
  for (int i = 0; i < 3; ++i) report.add(result);
  return report;
}

const TlsReportHead kHead{"Company-X", "sts-reporting@company-x.example",
                          "5065427c-23d3-47ca-b6e0-946ea0e8c4be", "company-y.example",
                          report::parse_day("2016-04-01").value()};

TEST(TlsReportJson, SaysWhatTheExampleOfRfc8460Says) {
  const auto json = nlohmann::json::parse(render_tls_report_json(kHead, rfc_example()));
  const auto expected = nlohmann::json::parse(R"({
    "organization-name": "Company-X",
    "date-range": {"start-datetime": "2016-04-01T00:00:00Z",
                   "end-datetime": "2016-04-01T23:59:59Z"},
    "contact-info": "sts-reporting@company-x.example",
    "report-id": "5065427c-23d3-47ca-b6e0-946ea0e8c4be",
    "policies": [{
      "policy": {"policy-type": "sts",
                 "policy-string": ["version: STSv1", "mode: testing",
                                   "mx: *.mail.company-y.example", "max_age: 86400"],
                 "policy-domain": "company-y.example",
                 "mx-host": ["*.mail.company-y.example"]},
      "summary": {"total-successful-session-count": 5326, "total-failure-session-count": 303},
      "failure-details": [
        {"result-type": "certificate-expired", "sending-mta-ip": "2001:db8:abcd:0012::1",
         "receiving-mx-hostname": "mx1.mail.company-y.example", "failed-session-count": 100},
        {"result-type": "starttls-not-supported", "sending-mta-ip": "2001:db8:abcd:0013::1",
         "receiving-mx-hostname": "mx2.mail.company-y.example", "receiving-ip": "203.0.113.56",
         "failed-session-count": 200},
        {"result-type": "validation-failure", "sending-mta-ip": "198.51.100.62",
         "receiving-mx-hostname": "mx-backup.mail.company-y.example",
         "receiving-ip": "203.0.113.58", "failed-session-count": 3,
         "failure-reason-code": "X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED"}]}]})");
  EXPECT_EQ(json, expected) << json.dump(2);
}

TEST(TlsReportJson, LeavesOutFailuresWhereThereAreNone) {
  report::TlsReport report;
  report::TlsResult result;
  result.success = true;
  report.add(result);
  const auto json = nlohmann::json::parse(render_tls_report_json(kHead, report));
  EXPECT_EQ(json["policies"][0]["policy"]["policy-type"], "no-policy-found");
  EXPECT_FALSE(json["policies"][0].contains("failure-details"));
}

TEST(TlsReportJson, IsJsonWhateverNamesStrangersChose) {
  report::TlsReport report;
  report::TlsResult result;
  result.failure = {"validation-failure", "", "\xff\"\n", "", ""};
  report.add(result);
  EXPECT_TRUE(nlohmann::json::accept(render_tls_report_json(kHead, report)));
}

TEST(Gzip, IsUnpackedByZlib) {
  const std::string text = render_tls_report_json(kHead, rfc_example());
  const std::string packed = gzip(text);
  EXPECT_LT(packed.size(), text.size());
  std::string unpacked(text.size() + 1, '\0');
  z_stream stream{};
  ASSERT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(unpacked.data());
  stream.avail_out = static_cast<uInt>(unpacked.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  unpacked.resize(stream.total_out);
  inflateEnd(&stream);
  EXPECT_EQ(unpacked, text);
}

}  // namespace
}  // namespace posthaste::daemon
