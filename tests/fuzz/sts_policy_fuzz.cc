// Policy files as a web server may have them, and stored policies as a disk may give them back:
// what is read keeps to its bounds and survives being written, both as text and as a record.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/check.h"
#include "lib/policy/mta_sts.h"

namespace {

using namespace posthaste;

void check_policy(const policy::StsPolicy& read) {
  CHECK(read.max_age >= Duration(0) && read.max_age <= policy::kStsMaxAgeMax);
  CHECK(read.mx.size() <= policy::kStsPatternsMax);
  CHECK(!read.mx.empty() || read.mode == policy::StsMode::kNone);
  std::string body;
  for (const std::string& line : sts_policy_lines(read)) body += line + "\n";
  CHECK(policy::parse_sts_policy(body, "text/plain") == read);
  const policy::StsRecord record{read, "id", Instant(Duration(1))};
  CHECK(policy::decode_sts_record(encode_sts_record(record)) == record);
  for (const std::string& pattern : read.mx) {
    const bool any = pattern.starts_with("*.");
    CHECK(policy::sts_matches(read.mx, MxName(any ? "a" + pattern.substr(1) : pattern)));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto read = policy::parse_sts_policy(text, "text/plain")) {
    check_policy(*read);
  } else {
    CHECK(!read.error().words.empty() && read.error().words.find('\n') == std::string::npos);
  }
  static_cast<void>(policy::parse_sts_policy("version: STSv1", text));
  if (const auto record = policy::decode_sts_record(text)) {
    CHECK(encode_sts_record(*record) == text);
  }
  return 0;
}
