#include "lib/report/tls_report_mail.h"

#include <fmt/format.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/mail/date.h"
#include "lib/report/plain_text.h"

namespace posthaste::report {
namespace {

constexpr std::size_t kOctetsPerLine = 57;  // 76 characters (RFC 2045 §6.8)

void append_base64_line(std::string& into, std::string_view octets) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < octets.size(); i += 3) {
    const std::string_view group = octets.substr(i, 3);
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      bits = bits << 8U | (k < group.size() ? static_cast<unsigned char>(group[k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      into += k <= group.size() ? kAlphabet[bits >> (18U - 6U * k) & 0x3FU] : '=';
    }
  }
  into += "\r\n";
}

std::string base64(std::string_view octets) {
  std::string text;
  text.reserve(octets.size() * 4 / 3 + octets.size() / 24 + 8);
  for (std::size_t i = 0; i < octets.size(); i += kOctetsPerLine) {
    append_base64_line(text, octets.substr(i, kOctetsPerLine));
  }
  return text;
}

std::int64_t seconds(ReportDay day) {
  return std::chrono::duration_cast<std::chrono::seconds>(day.time_since_epoch()).count();
}

void append_header(std::string& into, const TlsReportMail& mail, std::string_view boundary) {
  append_field(into, "From", fmt::format("<{}>", one_line(mail.from, Charset::kAscii, 255)));
  append_field(into, "To", fmt::format("<{}>", one_line(mail.to, Charset::kAscii, 255)));
  append_field(into, "Subject",
               fmt::format("Report Domain: {} Submitter: {} Report-ID: <{}>", mail.domain,
                           mail.submitter, mail.report_id));
  append_field(into, "Date", posthaste::mail::render_date(mail.now));
  append_field(into, "Message-ID", fmt::format("<{}>", mail.report_id));
  append_field(into, "TLS-Report-Domain", mail.domain);
  append_field(into, "TLS-Report-Submitter", mail.submitter);
  append_field(into, "TLS-Required", "No");
  append_field(into, "Auto-Submitted", "auto-generated");
  append_field(into, "MIME-Version", "1.0");
  append_field(into, "Content-Type",
               fmt::format("multipart/report; report-type=\"tlsrpt\"; boundary=\"{}\"", boundary));
}

}  // namespace

std::string tls_report_file_name(const TlsReportMail& mail) {
  const std::int64_t begin = seconds(mail.day);
  constexpr std::int64_t kDaySeconds = 24 * 60 * 60;
  const std::string_view unique =
      std::string_view(mail.report_id).substr(0, mail.report_id.find('@'));
  return fmt::format("{}!{}!{}!{}!{}.json.gz", mail.submitter, mail.domain, begin,
                     begin + kDaySeconds - 1, unique);
}

std::string render_tls_report_mail(const TlsReportMail& mail) {
  // "=_" stands in no base64, and the words below are ours.
  const std::string boundary = fmt::format("=_tlsrpt_{}", seconds(mail.day));
  std::string text;
  append_header(text, mail, boundary);
  text += fmt::format(
      "\r\n--{}\r\n"
      "Content-Type: text/plain; charset=us-ascii\r\n"
      "Content-Transfer-Encoding: 7bit\r\n\r\n"
      "This is an aggregate TLS report (RFC 8460) from {}\r\n"
      "about mail to {} on {} (UTC).\r\n",
      boundary, mail.submitter, mail.domain, render_day(mail.day));
  text += fmt::format(
      "\r\n--{}\r\n"
      "Content-Type: application/tlsrpt+gzip\r\n"
      "Content-Transfer-Encoding: base64\r\n"
      "Content-Disposition: attachment;\r\n filename=\"{}\"\r\n\r\n",
      boundary, tls_report_file_name(mail));
  text += base64(mail.report);
  text += fmt::format("\r\n--{}--\r\n", boundary);
  return text;
}

}  // namespace posthaste::report
