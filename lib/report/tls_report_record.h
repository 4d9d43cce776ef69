// TlsReportRecord: where a domain wants to be told about TLS: its TXT record at _smtp._tls.
//
// Implements   RFC 8460 §3.
// Does not     look anything up, or send.
#pragma once

#include <string>
#include <vector>

#include "lib/base/result.h"

namespace posthaste::report {

struct TlsReportTargets {
  std::vector<std::string> mail;   // addresses of mailto: targets, percent-decoded
  std::vector<std::string> https;  // https: addresses
  friend bool operator==(const TlsReportTargets&, const TlsReportTargets&) = default;
};

// "_smtp._tls.example.com"
std::string tls_report_name(const std::string& domain);

// All TXT records under that name; those that are none of ours do not count. Targets of other
// schemes are left out. Error: kNotFound (no record), kInvalid (several of them, which RFC 8460 §3
// takes for none; wrong syntax; no target that we could use).
Result<TlsReportTargets> parse_tls_report_record(const std::vector<std::string>& texts);

}  // namespace posthaste::report
