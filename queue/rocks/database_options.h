// Options of the database and of its column families. The reasons stand at each line of the .cc.
#pragma once

#include <rocksdb/db.h>

#include <string>
#include <vector>

#include "queue/rocks/rocks_store.h"

namespace posthaste::queue {

rocksdb::DBOptions database_options(const RocksOptions& options);

// In the order of enum Family.
std::vector<rocksdb::ColumnFamilyDescriptor> column_families(const RocksOptions& options);

}  // namespace posthaste::queue
