// Results: what became of the mail of a rehearsal, in numbers.
//
// Lifetime     a value.
// Does not     print itself: see daemon/tool/rehearsal_story.h.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "lib/base/time.h"
#include "lib/policy/retry_policy.h"

namespace posthaste::rehearsal {

inline constexpr std::array<Duration, 5> kWithin{std::chrono::minutes(1), std::chrono::minutes(5),
                                                 std::chrono::hours(1), std::chrono::hours(4),
                                                 std::chrono::hours(24)};

// Recipients, unless it says otherwise.
struct Tallied {
  std::string name;  // of the group of domains; empty: all of them
  std::uint64_t recipients = 0;
  std::uint64_t delivered = 0;
  std::array<std::uint64_t, kWithin.size()> within{};  // cumulative
  std::uint64_t late = 0;     // delivered, or still queued, beyond late_after
  std::uint64_t bounced = 0;  // refused for good
  std::uint64_t expired = 0;
  std::uint64_t queued = 0;                                  // in the end
  std::uint64_t plaintext = 0, encrypted = 0, verified = 0;  // how they were delivered
  std::uint64_t downgraded = 0;       // in plaintext, where the host usually offers STARTTLS
  Duration median{}, p99{}, worst{};  // from accepted to delivered
};

// One stretch of time.
struct Stretch {
  std::uint64_t submitted = 0, delivered = 0, plaintext = 0, failed = 0;  // recipients
  std::uint64_t queued = 0;                                               // at its end
  std::uint64_t connections = 0;                                          // the most at a time
};

// Late mail to one domain; the rest is of the one that needed longest.
struct LateMail {
  std::string domain;
  std::uint64_t recipients = 0;
  Instant accepted;
  Duration needed{};
  bool delivered = false;  // false: still queued in the end
  std::string why;         // the last that was said before, to it or of its domain
};

struct Undelivered {
  std::string group;
  std::string words;
  std::uint64_t recipients = 0;
  Instant first;
};

struct Results {
  Instant start;
  Duration length{};
  Duration late_after{};
  std::uint64_t seed = 0;
  std::uint64_t messages = 0;
  Tallied all;
  std::vector<Tallied> groups;
  std::uint64_t connections = 0, sessions = 0, delay_notices = 0, notifications = 0;
  std::uint64_t back_offs = 0, strips = 0;
  std::array<std::uint64_t, policy::kRetryClasses> deferrals{};
  std::map<std::string, std::uint64_t> versions;   // delivered recipients by TLS version
  std::map<std::string, std::uint64_t> fallbacks;  // "modern to compat (protocol_version)"
  Duration stretch{};
  std::vector<Stretch> stretches;
  std::vector<LateMail> latest;          // the worst ones first
  std::vector<Undelivered> undelivered;  // the most frequent ones first
};

}  // namespace posthaste::rehearsal
