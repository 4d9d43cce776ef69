// Checkpoint: a copy of the database as it is at one instant, made while it is written to.
//
// Threads      any.
// Does not     flush: what is in the write-ahead log only is in that of the copy.
#pragma once

#include <string>

#include "lib/base/result.h"
#include "queue/rocks/database.h"

namespace posthaste::queue {

// As RocksStore::checkpoint().
Status make_checkpoint(const Database& database, const std::string& directory);

}  // namespace posthaste::queue
