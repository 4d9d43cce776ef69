// Note: something small that is worth remembering over a restart, until it expires: what a host
// offered, a policy, counts for a report. A memory, never a promise: what is lost is learnt again.
// What nobody could learn again, as the operator's suspensions, is kept with a ticket.
//
// Limits       whoever keeps notes bounds their number and size; a value of some 100 KiB is meant
//              to be the largest.
// Does not     know what the bytes mean; whoever keeps a kind of note encodes and decodes them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "lib/base/time.h"

namespace posthaste::queue {

// The values are on disk (docs/queue-format.md).
enum class NoteKind : char {
  kTlsHost = 'h',     // what TLS a host is known to offer
  kTlsShown = 'v',    // what it has shown
  kStsPolicy = 's',   // an MTA-STS policy
  kTlsReport = 'r',   // counts for a TLS report
  kSuspension = 'p',  // what the operator has suspended
};

// Requests to a store (queue/store.h). Without a ticket (0) they have no answer and are not synced
// on their own; with one they are synced, and answered by Kept or NotKept. In one batch the last of
// a kind and key wins.

// Remembers a note in the place of one of the same kind and key. It is as durable as what it is
// written with: alone it is not synced.
struct Keep {
  NoteKind kind = NoteKind::kTlsHost;
  std::string key;
  std::string value;
  Instant expires;
  std::uint64_t ticket = 0;
};
// Forgets a note; harmless when there is none.
struct DropNote {
  NoteKind kind = NoteKind::kTlsHost;
  std::string key;
  std::uint64_t ticket = 0;
};

using NoteVisit =
    std::function<void(const std::string& key, const std::string& value, Instant expires)>;

}  // namespace posthaste::queue
