#include "lib/report/tls_report.h"

#include <gtest/gtest.h>

#include "lib/report/tls_report_mail.h"
#include "lib/report/tls_report_record.h"

namespace posthaste::report {
namespace {

using namespace std::chrono_literals;

TlsResult failed(std::string type, std::string host = "mx.example.com") {
  TlsResult result;
  result.domain = "example.com";
  result.policy = {TlsPolicyType::kSts, {"version: STSv1"}, {"mx.example.com"}};
  result.failure = {std::move(type), "192.0.2.9", std::move(host), "192.0.2.1", "cert_expired"};
  return result;
}

TlsResult succeeded() {
  TlsResult result = failed("");
  result.success = true;
  return result;
}

TEST(TlsReport, CountsByPolicyAndByWayOfFailing) {
  TlsReport report;
  EXPECT_TRUE(report.empty());
  report.add(succeeded());
  report.add(failed("certificate-expired"));
  report.add(failed("certificate-expired"));
  report.add(failed("starttls-not-supported"));
  ASSERT_EQ(report.policies().size(), 1U);
  const TlsReport::Counts& counts = report.policies().begin()->second;
  EXPECT_EQ(counts.successes, 1U);
  EXPECT_EQ(counts.failures, 3U);
  EXPECT_EQ(counts.details.size(), 2U);
  EXPECT_EQ(counts.details.at(failed("certificate-expired").failure), 2U);
}

TEST(TlsReport, KeepsItsSumsRightWhenThereAreTooManyParticulars) {
  TlsReport report;
  constexpr std::size_t kMany = TlsReport::kFailuresMax + 50;
  for (std::size_t i = 0; i < kMany; ++i) {
    report.add(failed("validation-failure", "mx" + std::to_string(i)));
  }
  const TlsReport::Counts& counts = report.policies().begin()->second;
  EXPECT_EQ(counts.failures, kMany);
  EXPECT_EQ(counts.details.size(), TlsReport::kFailuresMax + 1);
  EXPECT_EQ(counts.details.at({"validation-failure", "", "", "", ""}), 50U);
}

TEST(TlsReport, HasABoundedNumberOfPolicies) {
  TlsReport report;
  for (int i = 0; i < 40; ++i) {
    TlsResult result = succeeded();
    result.policy.strings = {"id " + std::to_string(i)};
    report.add(result);
  }
  EXPECT_EQ(report.policies().size(), TlsReport::kPoliciesMax + 1);
  EXPECT_EQ(report.policies().at({TlsPolicyType::kSts, {}, {}}).successes, 24U);
}

TEST(TlsReport, ComesBackFromItsBytes) {
  TlsReport report;
  report.add(succeeded());
  report.add(failed("certificate-expired"));
  TlsResult none = succeeded();
  none.policy = {};
  report.add(none);
  const auto decoded = decode_tls_report(encode(report));
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(*decoded, report);
}

TEST(TlsReport, DoesNotTakeBytesThatAreCutOrTooMany) {
  TlsReport report;
  report.add(failed("certificate-expired"));
  const std::string bytes = encode(report);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_tls_report(std::string_view(bytes).substr(0, size)).has_value()) << size;
  }
  EXPECT_FALSE(decode_tls_report(bytes + "x").has_value());
}

TEST(TlsReport, AddsWhatWasKeptToWhatCameAfter) {
  TlsReport before;
  before.add(succeeded());
  before.add(failed("certificate-expired"));
  TlsReport after;
  after.add(failed("certificate-expired"));
  after.merge(before);
  const TlsReport::Counts& counts = after.policies().begin()->second;
  EXPECT_EQ(counts.successes, 1U);
  EXPECT_EQ(counts.failures, 2U);
  EXPECT_EQ(counts.details.begin()->second, 2U);
}

TEST(ReportDay, IsReadAsItIsWritten) {
  const ReportDay day = report_day(Instant(std::chrono::seconds(1795392000 + 86399)));
  EXPECT_EQ(render_day(day), "2026-11-23");
  EXPECT_EQ(parse_day("2026-11-23").value(), day);
  for (const char* wrong :
       {"", "2026-11-2", "2026-13-01", "2026-02-30", "2026/11/23", "2026-1a-23"}) {
    EXPECT_FALSE(parse_day(wrong).has_value()) << wrong;
  }
}

TEST(TlsReportRecord, FindsTheTargets) {
  const auto targets =
      parse_tls_report_record({"other text",
                               "v=TLSRPTv1; rua=mailto:reports%2Btls@example.com?subject=x, "
                               "https://reports.example.com/v1;ext=1"});
  ASSERT_TRUE(targets.has_value());
  EXPECT_EQ(targets->mail, std::vector<std::string>{"reports+tls@example.com"});
  EXPECT_EQ(targets->https, std::vector<std::string>{"https://reports.example.com/v1"});
}

TEST(TlsReportRecord, SaysWhyThereIsNoTarget) {
  const auto code = [](const std::vector<std::string>& texts) {
    return parse_tls_report_record(texts).error().code;
  };
  EXPECT_EQ(code({}), ErrorCode::kNotFound);
  EXPECT_EQ(code({"v=TLSRPTv11; rua=mailto:a@b"}), ErrorCode::kNotFound);
  EXPECT_EQ(code({"v=TLSRPTv1; rua=mailto:a@b", "v=TLSRPTv1; rua=mailto:c@d"}),
            ErrorCode::kInvalid);
  EXPECT_EQ(code({"v=TLSRPTv1"}), ErrorCode::kInvalid);
  EXPECT_EQ(code({"v=TLSRPTv1; rua=ftp://x/, mailto:nobody, http://x/"}), ErrorCode::kInvalid);
  EXPECT_EQ(code({"v=TLSRPTv1; rua=mailto:a%0d%0aRCPT@b"}), ErrorCode::kInvalid);
}

TEST(TlsReportMail, CarriesTheReportAsRfc8460Says) {
  TlsReportMail mail{"example.com",
                     "mta.example.net",
                     "tls@example.net",
                     "r@example.com",
                     "abc.1@mta.example.net",
                     parse_day("2026-11-22").value(),
                     std::string(100, '\xff') + "z",
                     Instant(1795392000s)};
  const std::string text = render_tls_report_mail(mail);
  EXPECT_NE(text.find("\r\nTLS-Required: No\r\n"), std::string::npos);
  EXPECT_NE(text.find("\r\nTLS-Report-Domain: example.com\r\n"), std::string::npos);
  EXPECT_NE(text.find("\r\nTLS-Report-Submitter: mta.example.net\r\n"), std::string::npos);
  EXPECT_NE(text.find("report-type=\"tlsrpt\""), std::string::npos);
  EXPECT_NE(text.find("application/tlsrpt+gzip"), std::string::npos);
  EXPECT_NE(text.find("\"mta.example.net!example.com!1795305600!1795391999!abc.1.json.gz\""),
            std::string::npos);
  EXPECT_NE(text.find("\r\n" + std::string(76, '/') + "\r\n"), std::string::npos);
  EXPECT_NE(text.find("/3o=\r\n"), std::string::npos);
}

}  // namespace
}  // namespace posthaste::report
