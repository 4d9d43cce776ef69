// TlsReport: what one policy domain is told about one day: how often TLS came up as its policies
// ask for, and how it failed.
//
// Lifetime     counted up during a UTC day, sent and dropped after it.
// Threads      none: one thread at a time.
// Limits       kPoliciesMax policies a report, kFailuresMax different failures a policy; what goes
//              beyond is counted in a row without details, so that the sums stay right.
// Implements   RFC 8460 §4.1 to §4.3 (what is told, in which words).
// Does not     write JSON, send anything, or know which handshakes took place.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/result.h"
#include "lib/base/time.h"

namespace posthaste::report {

// Which kind of policy was looked for and found (RFC 8460 §4.2, policy-type).
enum class TlsPolicyType : std::uint8_t { kNoPolicyFound, kTlsa, kSts };
std::string_view name(TlsPolicyType type);  // "no-policy-found", "tlsa", "sts"

// The policy that a session was measured by.
struct TlsReportedPolicy {
  TlsPolicyType type = TlsPolicyType::kNoPolicyFound;
  std::vector<std::string> strings;   // TLSA records, or the lines of the STS policy
  std::vector<std::string> mx_hosts;  // the mx patterns of the STS policy
  friend auto operator<=>(const TlsReportedPolicy&, const TlsReportedPolicy&) = default;
};

// One way of failing; every field but the first may be empty.
struct TlsReportedFailure {
  std::string result_type;  // RFC 8460 §4.3: "certificate-expired"
  std::string sending_address;
  std::string receiving_host;
  std::string receiving_address;
  std::string reason_code;  // our own label: "peer_handshake_failure"
  friend auto operator<=>(const TlsReportedFailure&, const TlsReportedFailure&) = default;
};

// A session that came up, or one that did not.
struct TlsResult {
  std::string domain;  // the policy domain: folded, A-labels
  TlsReportedPolicy policy;
  bool success = false;
  TlsReportedFailure failure;  // unless success
};

class TlsReport {
 public:
  static constexpr std::size_t kPoliciesMax = 16;
  static constexpr std::size_t kFailuresMax = 100;

  struct Counts {
    std::uint64_t successes = 0;
    std::uint64_t failures = 0;  // the sum of those in `details`
    std::map<TlsReportedFailure, std::uint64_t> details;
    friend bool operator==(const Counts&, const Counts&) = default;
  };
  using Policies = std::map<TlsReportedPolicy, Counts>;

  void add(const TlsResult& result);
  // Sums two counts of the same day: what was kept before a restart, and what came after it.
  void merge(const TlsReport& other);
  void restore(TlsReportedPolicy policy, Counts counts) {
    policies_[std::move(policy)] = std::move(counts);
  }
  const Policies& policies() const { return policies_; }
  bool empty() const { return policies_.empty(); }
  friend bool operator==(const TlsReport&, const TlsReport&) = default;

 private:
  Counts& counts_of(const TlsReportedPolicy& policy);
  static void count(Counts& counts, TlsReportedFailure failure, std::uint64_t times);

  Policies policies_;
};

// For the store. Error of decode: kCorrupt.
std::string encode(const TlsReport& report);
Result<TlsReport> decode_tls_report(std::string_view bytes);

// Days since the Unix epoch, UTC: what a report is about.
using ReportDay = std::chrono::sys_days;
ReportDay report_day(Instant now);
// "2026-11-22"
std::string render_day(ReportDay day);
// Error: kInvalid.
Result<ReportDay> parse_day(std::string_view text);

}  // namespace posthaste::report
