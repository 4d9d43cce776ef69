// render_tls_report_json: a TLS report as the JSON that its readers expect, and as they get it.
//
// Threads      pure functions.
// Implements   RFC 8460 §4.4; RFC 1952 (gzip) by zlib.
// Does not     count, or send.
#pragma once

#include <string>
#include <string_view>

#include "lib/report/tls_report.h"

namespace posthaste::daemon {

struct TlsReportHead {
  std::string organization;
  std::string contact;
  std::string report_id;
  std::string domain;
  report::ReportDay day;
};

std::string render_tls_report_json(const TlsReportHead& head, const report::TlsReport& report);
std::string gzip(std::string_view bytes);

}  // namespace posthaste::daemon
