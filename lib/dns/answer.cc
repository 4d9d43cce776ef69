#include "lib/dns/answer.h"

#include <array>
#include <cstddef>

#include "lib/base/check.h"

namespace posthaste::dns {

std::string_view name(RecordType type) {
  switch (type) {
    case RecordType::kA: return "A";
    case RecordType::kCname: return "CNAME";
    case RecordType::kSoa: return "SOA";
    case RecordType::kMx: return "MX";
    case RecordType::kTxt: return "TXT";
    case RecordType::kAaaa: return "AAAA";
    case RecordType::kTlsa: return "TLSA";
  }
  return "unknown";
}

std::string_view name(AnswerStatus status) {
  constexpr std::array<std::string_view, 7> kNames{"ok",      "nodata",  "nxdomain", "servfail",
                                                   "refused", "timeout", "malformed"};
  const auto index = static_cast<std::size_t>(status);
  CHECK(index < kNames.size());
  return kNames[index];
}

bool temporary(AnswerStatus status) {
  switch (status) {
    case AnswerStatus::kOk:
    case AnswerStatus::kNoData:
    case AnswerStatus::kNxDomain: return false;
    case AnswerStatus::kServFail:
    case AnswerStatus::kRefused:
    case AnswerStatus::kTimeout:
    case AnswerStatus::kMalformed: return true;
  }
  return true;
}

}  // namespace posthaste::dns
