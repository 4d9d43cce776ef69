#include "daemon/tls_report_json.h"

#include <zlib.h>

#include <nlohmann/json.hpp>

#include "lib/base/check.h"

namespace posthaste::daemon {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const report::TlsReportedFailure& failure, std::uint64_t times) {
  Json json;
  json["result-type"] = failure.result_type;
  const auto add = [&json](const char* key, const std::string& value) {
    if (!value.empty()) json[key] = value;
  };
  add("sending-mta-ip", failure.sending_address);
  add("receiving-mx-hostname", failure.receiving_host);
  add("receiving-ip", failure.receiving_address);
  json["failed-session-count"] = times;
  add("failure-reason-code", failure.reason_code);
  return json;
}

Json json_of(const std::string& domain, const report::TlsReportedPolicy& policy,
             const report::TlsReport::Counts& counts) {
  Json json;
  json["policy"]["policy-type"] = report::name(policy.type);
  if (!policy.strings.empty()) json["policy"]["policy-string"] = policy.strings;
  json["policy"]["policy-domain"] = domain;
  if (!policy.mx_hosts.empty()) json["policy"]["mx-host"] = policy.mx_hosts;
  json["summary"]["total-successful-session-count"] = counts.successes;
  json["summary"]["total-failure-session-count"] = counts.failures;
  for (const auto& [failure, times] : counts.details) {
    json["failure-details"].push_back(json_of(failure, times));
  }
  return json;
}

}  // namespace

std::string render_tls_report_json(const TlsReportHead& head, const report::TlsReport& report) {
  Json json;
  json["organization-name"] = head.organization;
  const std::string day = report::render_day(head.day);
  json["date-range"]["start-datetime"] = day + "T00:00:00Z";
  json["date-range"]["end-datetime"] = day + "T23:59:59Z";
  json["contact-info"] = head.contact;
  json["report-id"] = head.report_id;
  json["policies"] = Json::array();
  for (const auto& [policy, counts] : report.policies()) {
    json["policies"].push_back(json_of(head.domain, policy, counts));
  }
  // Names come from strangers' DNS: what is no UTF-8 must not end us.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string gzip(std::string_view bytes) {
  z_stream stream{};
  constexpr int kGzipWindow = 15 + 16;  // 16: a gzip header instead of zlib's
  constexpr int kMemory = 8;
  CHECK(deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzipWindow, kMemory,
                     Z_DEFAULT_STRATEGY) == Z_OK);
  std::string packed(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

}  // namespace posthaste::daemon
