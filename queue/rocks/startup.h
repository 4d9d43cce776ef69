// Startup: what is done once, when the queue is opened: its version looked at, what a crash left
// half-way removed, the ledger begun.
#pragma once

#include <cstdint>
#include <string>

#include "lib/base/result.h"
#include "queue/rocks/database.h"
#include "queue/rocks/ledger.h"

namespace posthaste::queue {

// The format that is written; older ones are read too.
inline constexpr std::uint64_t kSchema = 2;
// What is said of a queue of a newer one.
Status newer_schema(const std::string& dir, std::uint64_t schema);

// Returns the epoch. Errors: kUnsupported, kCorrupt, kIo, kFull. One synced write, of a few bytes.
Result<std::uint64_t> start_up(const Database& database, const RocksOptions& options,
                               Ledger& ledger);

}  // namespace posthaste::queue
