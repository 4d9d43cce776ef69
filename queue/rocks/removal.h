// Removal of a message's body and envelope, each key with its one SingleDelete.
#pragma once

#include <rocksdb/write_batch.h>

#include "queue/rocks/database.h"
#include "queue/rocks/keys.h"

namespace posthaste::queue {

inline void remove_body(const Database& database, MessageId id, std::uint16_t chunks,
                        rocksdb::WriteBatch& batch) {
  for (std::uint16_t chunk = 0; chunk < chunks; ++chunk) {
    batch.SingleDelete(database.family(Family::kBody), slice(body_key(id, chunk).view()));
  }
}

inline void remove_message(const Database& database, MessageId id, std::uint16_t chunks,
                           rocksdb::WriteBatch& batch) {
  batch.SingleDelete(database.family(Family::kMsg), slice(message_key(id).view()));
  remove_body(database, id, chunks, batch);
}

// Also takes back the mark that it was arriving.
inline void remove_arriving(const Database& database, MessageId id, std::uint16_t chunks,
                            rocksdb::WriteBatch& batch) {
  remove_body(database, id, chunks, batch);
  batch.Delete(database.family(Family::kDefault),
               prefixed(kArrivingPrefix, message_key(id).view()));
}

}  // namespace posthaste::queue
