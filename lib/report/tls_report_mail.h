// render_tls_report_mail: a TLS report as the message that carries it.
//
// Threads      pure function.
// Implements   RFC 8460 §5.1 (names), §5.3 (mail), RFC 8689 §5 (TLS-Required: No, since the report
//              may be about the very TLS that it would need).
// Does not     write or compress the report itself, sign the message, or send it.
#pragma once

#include <string>

#include "lib/base/names.h"
#include "lib/base/time.h"
#include "lib/report/tls_report.h"

namespace posthaste::report {

struct TlsReportMail {
  std::string domain;     // that the report is about
  std::string submitter;  // domain of ours that it comes from
  std::string from;       // mail address
  std::string to;         // mail address
  std::string report_id;  // without angle brackets; unique
  ReportDay day;
  std::string report;  // the JSON, compressed with gzip
  Instant now;
};

// "mta.example.net!example.com!1763769600!1763855999!ID.json.gz"
std::string tls_report_file_name(const TlsReportMail& mail);
// CRLF line ends, ASCII, ready to be stored as a message.
std::string render_tls_report_mail(const TlsReportMail& mail);

}  // namespace posthaste::report
