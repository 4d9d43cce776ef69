// Inspection: reads a queue from end to end and says what it holds and what is wrong with it.
//
// Beside a daemon that writes, it sees the queue as it was when the inspection began, as long as
// the daemon deletes no file that is still to be read; where it did, kBusy says so, and a copy
// (Store::checkpoint()) is what to inspect.
//
// Threads      any; reads alone.
// Limits       memory: 16 bytes for each recipient, 24 for each message; kExamplesMax problems with
//              words, the others are only counted.
// Does not     change anything, not even what it finds corrupt; take the queue's lock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "queue/rocks/rocks_store.h"

namespace posthaste::queue {

enum class ProblemKind : std::uint8_t {
  kUnreadable,      // the disk does not give it, or its checksum is wrong
  kCorrupt,         // a key or a record does not follow the format
  kNoEnvelope,      // a recipient waits, but its message has no envelope
  kNoBody,          // or no body, or not all of it
  kStrayEnvelope,   // nobody waits for it, and nothing says why it is there
  kStrayBody,       // the same
  kCountsDisagree,  // two records say different things of the same message
};
inline constexpr std::size_t kProblemKinds = 7;
// "unreadable", "corrupt", "no_envelope", …
std::string_view name(ProblemKind kind);

struct Problem {
  ProblemKind kind = ProblemKind::kCorrupt;
  std::string key;    // the message's id; or column family and key in hexadecimal: "rcpt/0005…"
  std::string words;  // one line
};

struct QueueReport {
  static constexpr std::size_t kExamplesMax = 1000;

  std::uint64_t schema = 0;
  std::uint64_t epoch = 0;  // how often the queue was opened
  std::uint64_t messages = 0;
  std::uint64_t waiting = 0;   // recipients
  std::uint64_t held = 0;      // recipients, by the operator
  std::uint64_t arriving = 0;  // messages that were not accepted yet
  std::uint64_t bodies_bytes = 0;
  std::uint64_t history_events = 0;
  std::uint64_t notes = 0;
  std::uint64_t set_aside = 0;    // corrupt records that a daemon has moved out of the way
  std::uint64_t files_bytes = 0;  // on disk, with what is to be cleaned up
  std::array<std::uint64_t, kProblemKinds> problems{};
  std::vector<Problem> examples;

  bool sound() const { return problems == std::array<std::uint64_t, kProblemKinds>{}; }
};

// What is being read ("recipients", "envelopes", "bodies", "history", "notes"), and how many of
// them were; called every few thousand.
using InspectionProgress = std::function<void(std::string_view what, std::uint64_t read)>;

// Errors: kNotFound (no queue there), kUnsupported (written by a newer version), kIo, kBusy.
// `progress` may be empty.
Result<QueueReport> inspect_queue(const std::string& directory, const InspectionProgress& progress);
// The same where options.env plays the operating system; of the other options only `log` counts.
Result<QueueReport> inspect_queue(const RocksOptions& options, const InspectionProgress& progress);

}  // namespace posthaste::queue
