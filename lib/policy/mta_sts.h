// StsPolicy: what a domain says about the TLS of its mail hosts, as it is published: a TXT record
// that names a version, and a policy file behind HTTPS.
//
// Threads      none: pure functions.
// Limits       256 patterns in a policy; a file with more is refused. Whoever fetches it bounds its
//              octets.
// Implements   RFC 8461 §3.1, §3.2, §4.1.
// Does not     fetch, cache, decide what follows. See mta_sts_cache.h and tls_demand.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/names.h"
#include "lib/base/result.h"
#include "lib/base/time.h"

namespace posthaste::policy {

enum class StsMode : std::uint8_t { kNone, kTesting, kEnforce };
std::string_view name(StsMode mode);  // "none", "testing", "enforce"

inline constexpr Duration kStsMaxAgeMax = std::chrono::seconds(31'557'600);  // RFC 8461 §3.2
inline constexpr std::size_t kStsPatternsMax = 256;

struct StsPolicy {
  StsMode mode = StsMode::kNone;
  // Folded: "mx.example.com", or "*.example.com" for exactly one label more. Not empty unless the
  // mode is none.
  std::vector<std::string> mx;
  Duration max_age{0};  // since it was fetched; at most kStsMaxAgeMax
  friend bool operator==(const StsPolicy&, const StsPolicy&) = default;
};

// The id of the one MTA-STS record among the TXT records of _mta-sts.DOMAIN, each of them its
// strings joined. Errors: kNotFound (none of them is one), kInvalid (two are, or it breaks the
// grammar). Either means: no policy is published (RFC 8461 §3.1).
Result<std::string> parse_sts_txt(const std::vector<std::string>& records);

// A max_age above the maximum counts as the maximum. Errors: kInvalid (says what), kUnsupported
// (another version).
Result<StsPolicy> parse_sts_policy(std::string_view body, std::string_view content_type);

// RFC 8461 §4.1: does any of the policy's patterns name this host?
bool sts_matches(const std::vector<std::string>& patterns, const MxName& host);

// The policy as its lines would be written; for reports and for people.
std::vector<std::string> sts_policy_lines(const StsPolicy& policy);

// What is kept of a policy over a restart.
struct StsRecord {
  StsPolicy policy;
  std::string id;   // of the TXT record that announced it
  Instant fetched;  // max_age counts from here
  friend bool operator==(const StsRecord&, const StsRecord&) = default;
};
std::string encode_sts_record(const StsRecord& record);
// Errors: kCorrupt, kUnsupported (written by a later version).
Result<StsRecord> decode_sts_record(std::string_view bytes);

}  // namespace posthaste::policy
