#include "lib/report/tls_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "lib/base/check.h"
#include "lib/base/codec.h"

namespace posthaste::report {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::array<std::string_view, 3> kTypes{"no-policy-found", "tlsa", "sts"};

void write_strings(ByteWriter& to, const std::vector<std::string>& strings) {
  to.var(strings.size());
  for (const std::string& text : strings) to.str(text);
}

std::vector<std::string> read_strings(ByteReader& from) {
  std::vector<std::string> strings;
  const auto count = from.var<std::uint64_t>();
  for (std::uint64_t i = 0; i < count && from.right(); ++i) strings.push_back(from.str());
  return strings;
}

void write_counts(ByteWriter& to, const TlsReport::Counts& counts) {
  to.var(counts.successes);
  to.var(counts.details.size());
  for (const auto& [failure, times] : counts.details) {
    to.str(failure.result_type);
    to.str(failure.sending_address);
    to.str(failure.receiving_host);
    to.str(failure.receiving_address);
    to.str(failure.reason_code);
    to.var(times);
  }
}

TlsReport::Counts read_counts(ByteReader& from) {
  TlsReport::Counts counts;
  counts.successes = from.var<std::uint64_t>();
  const auto rows = from.var<std::uint64_t>();
  for (std::uint64_t i = 0; i < rows && from.right(); ++i) {
    TlsReportedFailure failure;
    failure.result_type = from.str();
    failure.sending_address = from.str();
    failure.receiving_host = from.str();
    failure.receiving_address = from.str();
    failure.reason_code = from.str();
    const auto times = from.var<std::uint64_t>();
    counts.details[std::move(failure)] += times;
    counts.failures += times;
  }
  return counts;
}

}  // namespace

std::string_view name(TlsPolicyType type) {
  const auto index = static_cast<std::size_t>(type);
  CHECK(index < kTypes.size());
  return kTypes[index];
}

TlsReport::Counts& TlsReport::counts_of(const TlsReportedPolicy& policy) {
  const auto found = policies_.find(policy);
  if (found != policies_.end()) return found->second;
  if (policies_.size() < kPoliciesMax) return policies_[policy];
  // A policy that changes all the time: its later states are told as one without particulars.
  return policies_[TlsReportedPolicy{policy.type, {}, {}}];
}

void TlsReport::count(Counts& counts, TlsReportedFailure failure, std::uint64_t times) {
  counts.failures += times;
  const auto found = counts.details.find(failure);
  if (found != counts.details.end()) {
    found->second += times;
    return;
  }
  if (counts.details.size() >= kFailuresMax) {
    failure = TlsReportedFailure{std::move(failure.result_type), {}, {}, {}, {}};
  }
  counts.details[std::move(failure)] += times;
}

void TlsReport::add(const TlsResult& result) {
  Counts& counts = counts_of(result.policy);
  if (result.success) {
    ++counts.successes;
  } else {
    count(counts, result.failure, 1);
  }
}

void TlsReport::merge(const TlsReport& other) {
  for (const auto& [policy, theirs] : other.policies_) {
    Counts& ours = counts_of(policy);
    ours.successes += theirs.successes;
    for (const auto& [failure, times] : theirs.details) count(ours, failure, times);
  }
}

std::string encode(const TlsReport& report) {
  std::string bytes;
  ByteWriter to(bytes);
  to.u8(kVersion);
  to.var(report.policies().size());
  for (const auto& [policy, counts] : report.policies()) {
    to.u8(static_cast<std::uint8_t>(policy.type));
    write_strings(to, policy.strings);
    write_strings(to, policy.mx_hosts);
    write_counts(to, counts);
  }
  return bytes;
}

Result<TlsReport> decode_tls_report(std::string_view bytes) {
  ByteReader from(bytes);
  if (from.u8(0xFF) != kVersion) from.wrong();
  const auto count = from.var<std::uint64_t>();
  TlsReport report;
  for (std::uint64_t i = 0; i < count && from.right(); ++i) {
    TlsReportedPolicy policy;
    policy.type = static_cast<TlsPolicyType>(from.u8(kTypes.size() - 1));
    policy.strings = read_strings(from);
    policy.mx_hosts = read_strings(from);
    report.restore(std::move(policy), read_counts(from));
  }
  if (!from.used_up()) return fail(ErrorCode::kCorrupt, "TLS report does not follow its format");
  return report;
}

ReportDay report_day(Instant now) { return std::chrono::floor<std::chrono::days>(now); }

std::string render_day(ReportDay day) {
  const std::chrono::year_month_day date(day);
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

Result<ReportDay> parse_day(std::string_view text) {
  const auto digits = [&](std::size_t from, std::size_t count) {
    int value = 0;
    for (const char c : text.substr(from, count)) {
      if (c < '0' || c > '9') return -1;
      value = value * 10 + (c - '0');
    }
    return value;
  };
  if (text.size() == 10 && text[4] == '-' && text[7] == '-') {
    const int year = digits(0, 4);
    const int month = digits(5, 2);
    const int day = digits(8, 2);
    const std::chrono::year_month_day date{std::chrono::year(year),
                                           std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day))};
    if (year > 0 && month > 0 && day > 0 && date.ok()) return ReportDay(date);
  }
  return fail(ErrorCode::kInvalid, fmt::format("\"{}\" is no day; write it as 2026-11-22", text));
}

}  // namespace posthaste::report
