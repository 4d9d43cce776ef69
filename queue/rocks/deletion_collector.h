// DeletionCollector: tells RocksDB to compact a table that is largely deletions, so that the bodies
// of mail that went out later give their space back.
//
// RocksDB 7.8's own collector counts Delete only, not SingleDelete, which is what a queue mostly
// does.
#pragma once

#include <rocksdb/table_properties.h>

#include <memory>

namespace posthaste::queue {

std::shared_ptr<rocksdb::TablePropertiesCollectorFactory> make_deletion_collector_factory();

}  // namespace posthaste::queue
