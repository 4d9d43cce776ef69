// Answer: what DNS said to one question, after parsing and before anybody draws conclusions.
//
// Does not     say what mail makes of it. See mx_plan.h.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/ip.h"
#include "lib/base/names.h"
#include "lib/base/time.h"
#include "lib/dns/tlsa.h"

namespace posthaste::dns {

enum class RecordType : std::uint16_t {
  kA = 1,
  kCname = 5,
  kSoa = 6,
  kMx = 15,
  kTxt = 16,
  kAaaa = 28,
  kTlsa = 52
};
std::string_view name(RecordType type);

struct Question {
  std::string name;  // folded, A-labels, no trailing dot
  RecordType type = RecordType::kMx;
  friend auto operator<=>(const Question&, const Question&) = default;
};

enum class AnswerStatus : std::uint8_t {
  kOk,         // at least one record of the asked type
  kNoData,     // the name exists, the type does not: permanent
  kNxDomain,   // permanent
  kServFail,   // temporary, also what a validating resolver says of bogus data
  kRefused,    // temporary: the resolver is misconfigured
  kTimeout,    // temporary
  kMalformed,  // an answer that we cannot parse: temporary
};
std::string_view name(AnswerStatus status);  // "ok", "nodata", …
bool temporary(AnswerStatus status);

struct MxRecord {
  std::uint16_t preference = 0;
  MxName host;  // empty for the root: "MX 0 ." (RFC 7505)
  friend auto operator<=>(const MxRecord&, const MxRecord&) = default;
};

struct Answer {
  AnswerStatus status = AnswerStatus::kTimeout;
  bool authentic = false;  // AD, and every configured resolver is a loopback address
  Instant expires;  // by the records' TTL, or the SOA's minimum for negative answers, clamped
  std::vector<MxRecord> mx;
  std::vector<IpAddress> addresses;  // of the type that was asked for
  std::vector<TlsaRecord> tlsa;    // without such as are too short to be read; so kOk may have none
  std::vector<std::string> texts;  // the strings of each TXT record, joined
  std::string canonical;           // where the question's CNAMEs lead to; empty: it has none
  std::string words;               // for people: "SERVFAIL for example.com MX from 127.0.0.1:53"
};

}  // namespace posthaste::dns

template <>
struct std::hash<posthaste::dns::Question> {
  std::size_t operator()(const posthaste::dns::Question& question) const noexcept {
    return std::hash<std::string>{}(question.name) ^
           static_cast<std::size_t>(question.type) * 0x9E3779B97F4A7C15U;
  }
};
