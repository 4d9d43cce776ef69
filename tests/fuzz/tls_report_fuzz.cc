// What strangers publish as TLSRPT record, and what a damaged store gives back of a report.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/check.h"
#include "lib/report/tls_report.h"
#include "lib/report/tls_report_record.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace posthaste::report;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto targets = parse_tls_report_record({std::string(bytes)})) {
    for (const std::string& address : targets->mail) {
      CHECK(address.find_first_of("\r\n ") == std::string::npos);
    }
    for (const std::string& url : targets->https) {
      CHECK(url.find_first_of("\r\n ") == std::string::npos);
    }
  }
  if (const auto report = decode_tls_report(bytes)) {
    CHECK(decode_tls_report(encode(*report)).value() == *report);
  }
  return 0;
}
